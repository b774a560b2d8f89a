import assert from 'node:assert/strict';
import { join } from 'node:path';
import { withFolder } from '../certificate/support.ts';
import { type Outcome, runMsmqCert } from '../cli/msmq-cert.ts';
import { mutation, reaching, readConsistentPair } from './command-line.ts';
import { type DelegatedUnit, makeDelegatedUnit } from './delegated-unit.ts';
import { type AccountName, type Lab, ldapModify, resetUser, startLab, userDn, writePair } from './lab.ts';
import { reachingExcept } from './refused.ts';

interface Check {
  name: string;
  status: 'ok' | 'warning' | 'failed';
  message: string;
  hint: string | null;
}

interface Checked extends Outcome {
  checks: Check[];
  delegation?: { trustee: string; sid: string; dsacls: string; sambaTool: string } | null;
}

describe('check', () => {
  let lab: Lab;
  before(async () => {
    lab = await startLab();
  });
  afterEach(async () => {
    await resetUser(lab, 'carol');
  });

  async function check(words: string[]): Promise<Checked> {
    const outcome = await runMsmqCert(['check', '--json', ...words]);
    assert.match(outcome.stdout, /^\{[\s\S]*"checks"/, outcome.stderr);
    return { ...outcome, ...JSON.parse(outcome.stdout) };
  }

  async function checkAs(as: AccountName, ...words: string[]): Promise<Checked> {
    return await check([...words, ...reaching(lab, as)]);
  }

  function find({ checks }: Checked, name: string): Check {
    const found = checks.find((each) => each.name === name);
    assert.ok(found, `there is no check ${name}`);
    return found;
  }

  /** Each check in short: `tls ok`. */
  function summary({ checks }: Checked): string[] {
    return checks.map(({ name, status }) => `${name} ${status}`);
  }

  const everything = [
    'name-resolution',
    'connection',
    'tls',
    'bind',
    'identity',
    'server',
    'schema',
    'pdc-emulator',
    'clock',
    'user',
    'read-rights',
    'write-rights',
    'room',
  ];

  it('shows a delegated account exactly its two rights', async () => {
    const checked = await checkAs('provisioner', 'carol');
    assert.equal(checked.code, 0);
    assert.deepEqual(
      summary(checked),
      everything.map((name) => `${name} ok`),
    );
    assert.match(find(checked, 'identity').message, /as CORP\\provisioner$/);
    assert.match(
      find(checked, 'write-rights').message,
      /may write mSMQSignCertificates and mSMQDigests of CORP\\carol, and nothing else$/,
    );
  });

  it('is right about them: registering works, and any other write does not', async () => {
    await withFolder(async (folder) => {
      const out = join(folder, 'certs');
      const done = await mutation(['register', 'carol', '--machine', 'PC-1', '--out', out, ...reaching(lab)]);
      assert.equal(done.code, 0, done.stderr);
    });
    assert.equal((await readConsistentPair(lab, 'carol')).length, 1);
    const change = `dn: ${userDn(lab, 'carol')}\nchangetype: modify\nreplace: description\ndescription: changed\n`;
    await assert.rejects(ldapModify(lab, change, { as: 'provisioner' }), /Insufficient access/);
    assert.match(find(await checkAs('provisioner', 'carol'), 'room').message, /has 1 of 820 certificates/);
  });

  it('counts what else an account may write', async () => {
    const own = find(await checkAs('carol', 'carol'), 'write-rights');
    assert.equal(own.status, 'ok');
    assert.match(own.message, /and \d+ other attributes$/);
  });

  it('fails for an account without rights, and for protected users', async () => {
    const reader = await checkAs('reader', 'carol');
    assert.equal(reader.code, 1);
    assert.equal(find(reader, 'read-rights').status, 'ok');
    assert.equal(find(reader, 'write-rights').status, 'failed');
    assert.match(
      find(reader, 'write-rights').hint ?? '',
      /msmq-cert check --delegation GROUP --ou OU=MQ,DC=corp,DC=example --directory ldaps:/,
    );

    const guarded = await checkAs('provisioner', 'protected');
    assert.equal(guarded.code, 1);
    assert.equal(find(guarded, 'write-rights').status, 'failed');
    assert.equal(find(guarded, 'protected-account').status, 'warning');
  });

  it('goes on with the other users after one that is not there, or is malformed', async () => {
    await writePair(lab, 'carol', { blob: Buffer.from('nonsense'), digests: [] });
    const checked = await checkAs('provisioner', 'nobody', 'carol', 'alice');
    assert.equal(checked.code, 1);
    const users = summary(checked).slice(everything.indexOf('user'));
    assert.deepEqual(users, [
      'user failed',
      ...['user ok', 'read-rights ok', 'write-rights ok', 'room failed'],
      ...['user ok', 'read-rights ok', 'write-rights ok', 'room ok'],
    ]);
  });

  it('looks at each user in one shard only', async () => {
    const of = async (shard: string) => {
      const { checks } = await checkAs('provisioner', 'alice', 'bob', 'carol', 'dave', '--shard', shard);
      return checks.filter(({ name }) => name === 'user').map(({ message }) => message);
    };
    const seen = [...(await of('1/3')), ...(await of('2/3')), ...(await of('3/3'))];
    assert.deepEqual(seen.sort(), (await of('1/1')).sort());
  });

  it('says that room is running out', async () => {
    const digests = Array.from({ length: 9 }, (_, index) => Buffer.alloc(16, index));
    await writePair(lab, 'carol', { blob: null, digests });
    const nearly = await checkAs('provisioner', 'carol', '--max-certificates', '10');
    assert.equal(find(nearly, 'room').status, 'warning');
    assert.equal(nearly.code, 0);
    const full = await checkAs('provisioner', 'carol', '--max-certificates', '9');
    assert.equal(find(full, 'room').status, 'failed');
    assert.equal(full.code, 1);
  });

  const failures: { what: string; at: string; code: number; change: (lab: Lab) => Record<string, string | null> }[] = [
    {
      what: 'a name that does not exist',
      at: 'name-resolution',
      code: 3,
      change: () => ({ '--directory': 'ldaps://nowhere.corp.example' }),
    },
    {
      what: 'a port where nobody listens',
      at: 'connection',
      code: 3,
      change: ({ url }) => ({ '--directory': `${url}:1` }),
    },
    { what: 'an authority that is not trusted', at: 'tls', code: 3, change: () => ({ '--ca-file': null }) },
    {
      what: "somebody else's password",
      at: 'bind',
      code: 3,
      change: ({ accounts }) => ({ '--password-file': accounts.alice.passwordFile }),
    },
  ];
  for (const { what, at, code, change } of failures) {
    it(`ends with the step ${at} for ${what}`, async () => {
      const words = [...reachingExcept(lab, change(lab)), '--dns-server', lab.dnsServers[0] ?? ''];
      const checked = await check(['carol', ...words]);
      assert.deepEqual(summary(checked), [
        ...everything.slice(0, everything.indexOf(at)).map((name) => `${name} ok`),
        `${at} failed`,
      ]);
      assert.ok(checked.checks.at(-1)?.hint);
      assert.equal(checked.code, code);
    });
  }

  it('finds the domain controllers of a domain', async () => {
    const words = reachingExcept(lab, { '--directory': 'ad://corp.example' });
    const checked = await check(['carol', ...words, '--dns-server', lab.dnsServers[0] ?? '']);
    assert.equal(checked.code, 0);
    assert.match(find(checked, 'discovery').message, /1 domain controller of corp\.example, dc1\.corp\.example as PDC/);
    assert.equal(find(checked, 'name-resolution').message, `dc1.corp.example is ${lab.ip}`);
  });

  it('needs a server', async () => {
    const outcome = await runMsmqCert(['check', 'alice', '--directory', 'ldif:users.ldif']);
    assert.equal(outcome.code, 2);
    assert.match(outcome.stderr, /^error\[usage\]: ldif:users\.ldif is no server that one binds to$/m);
  });

  describe('of rights below one container', () => {
    let unit: DelegatedUnit;
    before(async () => {
      unit = await makeDelegatedUnit(lab, 'checked');
    });
    after(async () => {
      await unit.remove();
    });

    it('prints the grant that gives exactly the two rights', async () => {
      const asked = await checkAs('reader', unit.user, '--delegation', 'reader', '--ou', unit.ou);
      assert.equal(find(asked, 'write-rights').status, 'failed');
      const { delegation } = asked;
      assert.ok(delegation);
      assert.equal(
        delegation.dsacls,
        `dsacls "${unit.ou}" /I:S /G "CORP\\reader:RPWP;mSMQSignCertificates;user" "CORP\\reader:RPWP;mSMQDigests;user"`,
      );
      await unit.setRights(delegation.sambaTool);
      const granted = await checkAs('reader', unit.user);
      assert.equal(granted.code, 0);
      assert.match(find(granted, 'write-rights').message, /and nothing else$/);
    });

    it('recognises an empty pair that is only hidden', async () => {
      const name = unit.user;
      const visible = await checkAs('carol', name, '--delegation', 'carol', '--ou', unit.ou);
      assert.equal(find(visible, 'read-rights').status, 'ok');
      const denied = `(OD;;RP;9a0dc33b-c100-11d1-bbc5-0080c76670c0;;${visible.delegation?.sid})`;
      await unit.setRights(`samba-tool dsacl set --objectdn='CN=${name},${unit.ou}' --sddl='${denied}'`);
      const hidden = await checkAs('carol', name);
      assert.equal(find(hidden, 'read-rights').status, 'failed');
      assert.equal(hidden.code, 1);
      assert.ok(!summary(hidden).some((each) => each.startsWith('room')));
    });

    it('fails for a group or a container that is not there', async () => {
      const group = await checkAs('reader', '--delegation', 'nobody', '--ou', unit.ou);
      assert.match(find(group, 'delegation').message, /no group or account "nobody"/);
      assert.equal(group.code, 1);
      const container = await checkAs('reader', '--delegation', 'reader', '--ou', `OU=nowhere,${lab.baseDn}`);
      assert.match(find(container, 'delegation').message, /no container "OU=nowhere,DC=corp,DC=example"/);
    });
  });
});
