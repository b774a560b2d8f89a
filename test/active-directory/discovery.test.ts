import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { connectTarget } from '../../src/directory/active-directory/domain/connect-server.ts';
import { dnsThrough } from '../../src/directory/active-directory/domain/dns-query.ts';
import { type Outcome, runMsmqCert, startMsmqCert } from '../cli/msmq-cert.ts';
import { a, dnsStandIn, srv } from '../directory/active-directory/dns-stand-in.ts';
import { type Item, machinesOf, mutation, readConsistentPair } from './command-line.ts';
import { type Lab, ldapModify, ldapSearch, readPairIndependently, resetUser, runAdLab, startLab } from './lab.ts';
import { accessTo } from './lab-connections.ts';
import { lossyProxy } from './lossy-proxy.ts';

const CROWD = Array.from({ length: 24 }, (_, index) => `crowd${String(index).padStart(2, '0')}`);

describe('a domain found by DNS', () => {
  let lab: Lab;
  let folder: string;
  before(async function () {
    this.timeout(180_000);
    folder = await mkdtemp(join(tmpdir(), 'msmq-cert-domain-'));
    lab = await startLab({ dcs: 2 });
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  async function adLab(...words: string[]): Promise<void> {
    await runAdLab([...words, '--dir', lab.dir]);
  }

  const servers = () => lab.dnsServers.flatMap((ip) => ['--dns-server', ip]);
  function reaching(directory = 'ad://corp.example', dns = servers()): string[] {
    const { bind, passwordFile } = lab.accounts.provisioner;
    return ['--directory', directory, ...dns, '--ca-file', lab.caFile, '--bind', bind, '--password-file', passwordFile];
  }
  const register = (machine: string, ...words: string[]) => [
    'register',
    'carol',
    '--machine',
    machine,
    '--out',
    'keys',
    ...words,
  ];
  const cli = (words: string[], more = reaching()): Promise<Outcome> =>
    runMsmqCert([...words, ...more], { cwd: folder });

  async function machinesOn(dc: number): Promise<(string | null)[]> {
    return machinesOf(await readConsistentPair(lab, 'carol', { url: lab.dcs[dc]?.url }));
  }

  describe('when it is written', () => {
    after(async () => {
      const dns = CROWD.map((name) => `dn: CN=${name},OU=MQ,${lab.baseDn}\nchangetype: delete\n`);
      await ldapModify(lab, dns.join('\n'));
      await adLab('replicate');
    });
    afterEach(async () => {
      await adLab('resume');
      await resetUser(lab, 'carol');
      await adLab('replicate');
    });

    it('is written at the PDC emulator', async () => {
      await adLab('pause');
      for (const machine of ['PC-1', 'PC-2']) assert.equal((await cli(register(machine))).code, 0);
      assert.deepEqual(await machinesOn(0), ['PC-1', 'PC-2']);
      assert.deepEqual(await machinesOn(1), []);
    });

    it('is written at the PDC emulator although DNS still names the one before', async () => {
      await moveRole('DC2');
      try {
        await adLab('pause');
        // It is busy for a moment with looking for its partner.
        await machinesOn(1);
        const outcome = await cli(register('PC-1'));
        assert.match(outcome.stderr, /^using dc2\.corp\.example, the PDC emulator of corp\.example$/m);
        assert.deepEqual([await machinesOn(0), await machinesOn(1)], [[], ['PC-1']]);
      } finally {
        await adLab('resume');
        await moveRole('DC1');
      }
    });

    it('is written elsewhere when the PDC emulator does not answer, and says so', async () => {
      await adLab('stop-dc', '1');
      try {
        const outcome = await cli(register('PC-1'));
        assert.equal(outcome.code, 0, outcome.stderr);
        const notice =
          /^using dc2\.corp\.example, as the PDC emulator of corp\.example, dc1\.corp\.example, does not answer$/m;
        assert.match(outcome.stderr, notice);
        assert.deepEqual(await machinesOn(1), ['PC-1']);
      } finally {
        await adLab('start-dc', '1');
      }
    });

    it('ends a run in which the PDC emulator is stopped with every certificate accounted for', async () => {
      await ldapModify(lab, CROWD.map(newUser).join('\n'));
      await adLab('replicate');
      const all = ['register', ...CROWD, '--machine', 'PC-1', '--out', 'bulk', ...reaching()];
      const child = startMsmqCert([...all, '--rate', '8', '--ndjson'], { cwd: folder });
      const watched = watch(child);
      await watched.printed(5);
      // However long it takes to stop a domain controller, the run does not come to its end meanwhile.
      child.kill('SIGSTOP');
      await adLab('stop-dc', '1').finally(() => child.kill('SIGCONT'));
      const { stdout, stderr } = await watched.ended;
      const items = stdout.slice(0, -1).map((line): Item => JSON.parse(line));
      await adLab('start-dc', '1');
      await adLab('replicate');

      assert.match(stderr, /^dc1\.corp\.example does not answer any more: going on with dc2\.corp\.example/m);
      assert.deepEqual(
        items.map(({ user }) => user).sort(),
        CROWD.map((name) => `CORP\\${name}`),
      );
      const added = items.filter(({ action }) => action === 'added');
      assert.ok(added.length > CROWD.length / 2, `only ${added.length} were added`);
      for (const { error } of items) if (error !== null) assert.equal(error.code, 'outcome-unknown');

      const again = await mutation(all, { cwd: folder });
      assert.equal(again.code, 0, again.stderr);
      await adLab('replicate');
      const [here, there] = await Promise.all(lab.dcs.map(({ url }) => digestsOfCrowd(url)));
      assert.deepEqual([...(here?.keys() ?? [])].sort(), CROWD);
      for (const { user, digest } of added) {
        assert.equal(here?.get(user.replace('CORP\\', '')), digest, user);
        assert.equal(there?.get(user.replace('CORP\\', '')), digest, user);
      }
    });
  });

  it('is read near by when a command only reads, and asked to', async () => {
    const outcome = await cli(['list', 'carol', '--read-from', 'near', '--site', 'Default-First-Site-Name']);
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.match(outcome.stderr, /^reading from dc[12]\.corp\.example of corp\.example$/m);
  });

  describe('with bad input', () => {
    async function refused(more: string[], code: number, says: RegExp): Promise<void> {
      const outcome = await cli(register('PC-1'), more);
      assert.equal(outcome.code, code, outcome.stderr);
      assert.match(outcome.stderr, says);
      assert.match(outcome.stderr, /^hint: /m);
      assert.deepEqual((await readPairIndependently(lab, 'carol')).blob, null);
    }

    it('says that DNS knows no such domain', () =>
      refused(reaching('ad://nowhere.example'), 3, /DNS knows no domain controllers of nowhere\.example/));

    it('says that there is no such site', () =>
      refused([...reaching(), '--site', 'Atlantis'], 2, /the site "Atlantis"/));

    it('says that no DNS server answers', () =>
      refused(
        reaching('ad://corp.example', ['--dns-server', '127.0.0.1:1']),
        3,
        /no DNS server answered .*127\.0\.0\.1/,
      ));

    it('says that a certificate is for another name', () =>
      withDns({ host: 'dc7.corp.example', ip: lab.ip }, (dns) =>
        refused(reaching('ad://corp.example', dns), 3, /is for DNS:dc1\.corp\.example.*, not for "dc7\.corp\.example"/),
      ));

    it('sends nothing to a server outside the domain', () =>
      withDns({ host: 'dc1.elsewhere.example', ip: lab.ip }, (dns) =>
        refused(
          reaching('ad://corp.example', dns),
          3,
          /dc1\.elsewhere\.example as a server of corp\.example, but it lies outside/,
        ),
      ));

    it('says that the domain controllers are down', () =>
      withDns({ host: 'dc1.corp.example', ip: '127.0.0.1', port: 1 }, (dns) =>
        refused(reaching('ad://corp.example', dns), 3, /dc1\.corp\.example:636 refused the connection/),
      ));
  });

  async function withDns(
    { host, ip, port = 389 }: { host: string; ip: string; port?: number },
    work: (words: string[]) => Promise<void>,
  ): Promise<void> {
    const names = ['dc', 'pdc'].map((role) => `_ldap._tcp.${role}._msdcs.corp.example`);
    const records = names.map((name) => [`${name} SRV`, [srv(name, host, 0, 100, port)]]);
    const standIn = await dnsStandIn({ ...Object.fromEntries(records), [`${host} A`]: [a(host, ip)] });
    try {
      await work(['--dns-server', `${standIn.server.ip}:${standIn.server.port}`]);
    } finally {
      await standIn.close();
    }
  }

  it('is reached with StartTLS where no port for TLS answers', async () => {
    // nobody listens on port 636 of this address
    const proxy = await lossyProxy(lab.ip, 389);
    const standIn = await dnsStandIn({ 'dc1.corp.example A': [a('dc1.corp.example', '127.0.0.1')] });
    try {
      const target = { host: 'dc1.corp.example', port: Number(new URL(proxy.url).port) };
      const access = await accessTo(lab, 'provisioner');
      const directory = await connectTarget(target, dnsThrough([standIn.server]), access);
      assert.equal(directory.server, `ldap://dc1.corp.example:${target.port}`);
      assert.equal((await directory.findUser('carol')).account, 'CORP\\carol');
      await directory.close();
    } finally {
      await standIn.close();
      await proxy.close();
    }
  });

  function newUser(name: string): string {
    const values = ['changetype: add', 'objectClass: user', `sAMAccountName: ${name}`, 'userAccountControl: 544'];
    return [`dn: CN=${name},OU=MQ,${lab.baseDn}`, ...values, ''].join('\n');
  }

  /** The one certificate of each of the crowd, by its digest, as ldapsearch finds it on a server. */
  async function digestsOfCrowd(url: string): Promise<Map<string, string>> {
    const ldif = await ldapSearch(
      lab,
      ['-b', `OU=MQ,${lab.baseDn}`, '(cn=crowd*)', 'mSMQSignCertificates', 'mSMQDigests'],
      { url },
    );
    const records = ldif
      .trim()
      .split('\n\n')
      .map((record) => {
        const value = (name: string) =>
          Buffer.from(new RegExp(`^${name}:: (.+)$`, 'm').exec(record)?.[1] ?? '', 'base64');
        const blob = value('mSMQSignCertificates');
        const digest = value('mSMQDigests');
        const name = /^dn: CN=(\w+)/.exec(record)?.[1] ?? '';
        assert.equal(blob.readUInt32LE(), 1, name);
        assert.deepEqual(blob.subarray(4, 20), digest, name);
        assert.deepEqual(createHash('md5').update(blob.subarray(40)).digest(), digest, name);
        return [name, digest.toString('hex')] as const;
      });
    return new Map(records);
  }

  /** Gives the role of the PDC emulator to another domain controller. The records in DNS change minutes later. */
  async function moveRole(to: 'DC1' | 'DC2'): Promise<void> {
    const settings = `CN=NTDS Settings,CN=${to},CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,${lab.baseDn}`;
    const lines = [
      `dn: ${lab.baseDn}`,
      'changetype: modify',
      'replace: fSMORoleOwner',
      `fSMORoleOwner: ${settings}`,
      '-',
    ];
    await ldapModify(lab, `${lines.join('\n')}\n`);
    await adLab('replicate');
  }
});

interface Watched {
  /** Resolves when it has printed so many lines. */
  printed(lines: number): Promise<void>;
  ended: Promise<{ stdout: string[]; stderr: string }>;
}

/** Follows the lines of a running command. */
function watch(child: ReturnType<typeof startMsmqCert>): Watched {
  const stdout: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => stdout.push(line));
  return {
    printed: async (lines) => {
      while (stdout.length < lines) await once(reader, 'line');
    },
    ended: Promise.all([text(child.stderr), once(reader, 'close')]).then(([stderr]) => ({ stdout, stderr })),
  };
}
