import assert from 'node:assert/strict';
import { join } from 'node:path';
import { vectorBytes } from '../blob/vectors.ts';
import { type Outcome, outcomeOf, runMsmqCert, startMsmqCert } from '../cli/msmq-cert.ts';
import { reaching, readEntries } from './command-line.ts';
import { type Lab, ldapModify, type RawPair, resetUser, runAdLab, startLab, userDn, writePair } from './lab.ts';

interface Replicated extends Outcome {
  converged: boolean;
  torn: boolean;
  servers: { server: string; state: string; digests: string[]; error: { code: string } | null }[];
}

describe('replication', () => {
  let lab: Lab;
  let one: RawPair;
  let three: RawPair;
  before(async function () {
    this.timeout(180_000);
    lab = await startLab({ dcs: 2 });
    one = await pairIn('worked-example.bin');
    three = await pairIn('three-rsa.bin');
  });
  afterEach(async () => {
    await adLab('resume');
    await resetUser(lab, 'bob');
    await adLab('replicate');
  });

  async function pairIn(file: string): Promise<RawPair> {
    const blob = vectorBytes(file);
    const digests = (await readEntries(blob)).map(({ digest }) => Buffer.from(digest, 'hex'));
    return { blob, digests };
  }

  async function adLab(...words: string[]): Promise<void> {
    await runAdLab([...words, '--dir', lab.dir]);
  }

  async function write(dc: 0 | 1, pair: RawPair): Promise<void> {
    await writePair(lab, 'bob', pair, { url: lab.dcs[dc]?.url });
  }

  /** Writes one attribute on its own, which no command of ours does. */
  async function writeHalf(dc: 0 | 1, attribute: string, values: Buffer[]): Promise<void> {
    const lines = values.map((value) => `${attribute}:: ${value.toString('base64')}\n`).join('');
    const record = `dn: ${userDn(lab, 'bob')}\nchangetype: modify\nreplace: ${attribute}\n${lines}`;
    await ldapModify(lab, record, { url: lab.dcs[dc]?.url });
  }

  const words = (...more: string[]) => {
    const dns = lab.dnsServers.flatMap((ip) => ['--dns-server', ip]);
    return ['replication', 'bob', '--json', ...more, ...dns, ...reaching(lab)];
  };

  const writingWords = (verb: string, ...more: string[]) => {
    const dns = lab.dnsServers.flatMap((ip) => ['--dns-server', ip]);
    return [verb, ...more, '--json', '--out', join(lab.dir, 'keys'), ...dns, ...reaching(lab)];
  };

  async function writing(verb: string, ...more: string[]): Promise<Outcome> {
    return await runMsmqCert(writingWords(verb, ...more));
  }

  async function replication(...more: string[]): Promise<Replicated> {
    return documentOf(await runMsmqCert(words(...more)));
  }

  function documentOf(outcome: Outcome): Replicated {
    assert.match(outcome.stdout, /^\{[\s\S]*"users"/, outcome.stderr);
    const [user] = JSON.parse(outcome.stdout).users;
    assert.equal(user.user, 'CORP\\bob');
    return { ...outcome, ...user };
  }

  function statesOf({ servers }: Replicated): string[] {
    return servers.map(({ server, state }) => `${server} ${state}`);
  }

  it('shows the server that is behind until it has caught up', async () => {
    await adLab('pause');
    await write(0, one);
    const paused = await replication('--wait', '1s');
    assert.equal(paused.code, 1);
    assert.equal(paused.converged, false);
    assert.deepEqual(statesOf(paused), ['dc1.corp.example current', 'dc2.corp.example behind']);
    assert.deepEqual(
      paused.servers.map(({ digests }) => digests),
      [one.digests.map((digest) => digest.toString('hex')).sort(), []],
    );

    const waiting = startMsmqCert(words('--wait', '60s'));
    await adLab('resume');
    const resumed = documentOf(await outcomeOf(waiting));
    assert.equal(resumed.code, 0);
    assert.equal(resumed.converged, true);
    assert.deepEqual(statesOf(resumed), ['dc1.corp.example current', 'dc2.corp.example current']);
  });

  it('compares each user in one shard only', async () => {
    const of = async (shard: string) => {
      const outcome = await runMsmqCert([...words('--no-wait'), 'alice', 'carol', '--shard', shard]);
      const { users }: { users: { user: string }[] } = JSON.parse(outcome.stdout);
      return users.map(({ user }) => user);
    };
    const seen = [...(await of('1/3')), ...(await of('2/3')), ...(await of('3/3'))];
    assert.deepEqual(seen.sort(), ['CORP\\alice', 'CORP\\bob', 'CORP\\carol']);
  });

  it('knows which server is behind, whichever is asked', async () => {
    await adLab('pause');
    await write(1, one);
    const paused = await replication('--no-wait');
    assert.deepEqual(statesOf(paused), ['dc1.corp.example behind', 'dc2.corp.example current']);
  });

  it('recognises a pair torn by writes on two servers, before it spreads and after', async () => {
    await adLab('pause');
    await write(0, one);
    await write(1, three);
    // the version counts the changes, so each server wins one half
    for (const { digests } of [three, one]) await writeHalf(0, 'mSMQDigests', digests);
    for (const { blob } of [one, three]) await writeHalf(1, 'mSMQSignCertificates', blob === null ? [] : [blob]);
    const apart = await replication('--no-wait');
    assert.deepEqual(statesOf(apart), ['dc1.corp.example behind', 'dc2.corp.example behind']);
    assert.deepEqual([apart.torn, apart.code], [true, 1]);

    await adLab('resume');
    await adLab('replicate');
    const together = await replication();
    assert.deepEqual([together.converged, together.torn, together.code], [true, true, 1]);
    const text = await runMsmqCert(words().filter((word) => word !== '--json'));
    assert.match(text.stdout, /^CORP\\bob {2}torn$/m);
    assert.match(text.stderr, /^error\[torn-pair\].*\nhint: .*msmq-cert repair 'CORP\\bob' --directory .*$/m);
  });

  it('is repaired when the pair is torn, and the repair arrives everywhere', async () => {
    await adLab('pause');
    await write(0, one);
    await writeHalf(1, 'mSMQDigests', three.digests);
    await writeHalf(1, 'mSMQDigests', three.digests.slice(1));
    await adLab('resume');
    await adLab('replicate');
    assert.equal((await replication('--no-wait')).torn, true);

    const repaired = await writing('repair', 'bob', '--wait-replication=60s');
    assert.equal(repaired.code, 0, repaired.stderr);
    const after = await replication('--no-wait');
    assert.deepEqual([after.converged, after.torn, after.code], [true, false, 0]);
  });

  it('is waited for by a command that writes', async () => {
    await adLab('pause');
    const paused = await writing('register', 'bob', '--machine', 'PC-1', '--wait-replication=1s');
    assert.equal(paused.code, 1);
    const document = JSON.parse(paused.stdout);
    assert.deepEqual(document.summary.added, 1);
    assert.deepEqual(
      document.replication[0].servers.map(({ state }: { state: string }) => state),
      ['current', 'behind'],
    );

    // neither the run that goes on with it nor one that has nothing to write may say that all is well
    for (const more of [[], ['--key-size', '3072']]) {
      const again = await writing('register', 'bob', '--machine', 'PC-1', '--wait-replication=1s', ...more);
      assert.equal(again.code, 1, again.stderr);
      assert.match(again.stderr, more.length === 0 ? /^going on with the run of / : /^(?!going on)/);
      assert.equal(JSON.parse(again.stdout).replication[0].converged, false);
    }

    const waiting = startMsmqCert(writingWords('register', 'bob', '--machine', 'PC-2', '--wait-replication=60s'));
    await adLab('resume');
    const resumed = await outcomeOf(waiting);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.equal(JSON.parse(resumed.stdout).replication[0].converged, true);
  });

  it('counts a server that does not answer as not agreeing', async () => {
    await write(0, one);
    await adLab('replicate');
    await adLab('stop-dc', '2');
    try {
      const stopped = await replication('--no-wait');
      assert.deepEqual(statesOf(stopped), ['dc1.corp.example current', 'dc2.corp.example unreachable']);
      assert.equal(stopped.servers[1]?.error?.code, 'directory-unreachable');
      assert.deepEqual([stopped.converged, stopped.code], [false, 1]);
    } finally {
      await adLab('start-dc', '2');
    }
  });

  it('has nothing to compare in a file', async () => {
    const outcome = await runMsmqCert(['replication', 'alice', '--directory', 'ldif:test/fixtures/ldapsearch.ldif']);
    assert.equal(outcome.code, 2);
    assert.match(outcome.stderr, /is a single file: there is nothing for it to replicate to/);
  });
});
