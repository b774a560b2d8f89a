import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promises as dns } from 'node:dns';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, rmdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { stop } from '../../scripts/lab/domain-controller.ts';
import type { AccountName } from '../../scripts/lab/lab.ts';
import { claim, groupRuns, identify, registrations, release, runs } from '../../scripts/lab/registry.ts';
import { readBlobIndependently } from './independent-reader.ts';
import {
  adLab,
  type Lab,
  launchLab,
  ldapSearch,
  readPairIndependently,
  resetUser,
  runAdLab,
  startLab,
  userDn,
  writePair,
} from './lab.ts';
import { lossyProxy } from './lossy-proxy.ts';

const execFileAsync = promisify(execFile);
const threeEntries = fileURLToPath(new URL('../fixtures/vectors/three-rsa.bin', import.meta.url));

describe('the lab', () => {
  let lab: Lab;
  before(async () => {
    lab = await startLab();
  });

  describe('connections', () => {
    const findAlice = ['-b', 'DC=corp,DC=example', '(sAMAccountName=alice)', 'sAMAccountName'];

    it('answers over LDAPS with a certificate that verifies', async () => {
      assert.match(await ldapSearch(lab, findAlice), /^sAMAccountName: alice$/m);
    });

    it('answers over StartTLS', async () => {
      const found = await ldapSearch(lab, findAlice, { url: lab.startTlsUrl, words: ['-ZZ'] });
      assert.match(found, /^sAMAccountName: alice$/m);
    });

    it('answers as global catalog', async () => {
      assert.match(await ldapSearch(lab, findAlice, { url: lab.gcUrl }), /^sAMAccountName: alice$/m);
    });

    it('has a certificate that does not verify with another CA', async () => {
      await assert.rejects(ldapSearch(lab, findAlice, { caFile: '/dev/null' }), /Can't contact LDAP server/);
    });

    it('knows its server by name in its own DNS', async () => {
      const resolver = new dns.Resolver();
      resolver.setServers(lab.dnsServers);
      assert.deepEqual(await resolver.resolve4(lab.host), [lab.ip]);
    });
  });

  describe('people', () => {
    async function mayWrite(as: AccountName, name: string): Promise<string[]> {
      const ldif = await ldapSearch(lab, ['-b', userDn(lab, name), '-s', 'base', 'allowedAttributesEffective'], { as });
      return [...ldif.matchAll(/^allowedAttributesEffective: (mSMQ\w+)$/gm)].map(([, name = '']) => name).sort();
    }
    const pair = ['mSMQDigests', 'mSMQSignCertificates'];

    it('lets the provisioner write the pair of a user, and nothing else', async () => {
      const words = ['-b', userDn(lab, 'alice'), '-s', 'base', 'allowedAttributesEffective'];
      const ldif = await ldapSearch(lab, words, { as: 'provisioner' });
      assert.equal(ldif.match(/^allowedAttributesEffective/gm)?.length, 2);
      assert.deepEqual(await mayWrite('provisioner', 'alice'), pair);
    });

    it('lets a user write the own pair, and of nobody else', async () => {
      assert.deepEqual(await mayWrite('dave', 'dave'), pair);
      assert.deepEqual(await mayWrite('alice', 'bob'), []);
    });

    it('keeps provisioner and the account itself off a protected account', async () => {
      assert.deepEqual(await mayWrite('provisioner', 'protected'), []);
      assert.deepEqual(await mayWrite('protected', 'protected'), []);
    });

    it('gives the reader no right to write', async () => {
      assert.deepEqual(await mayWrite('reader', 'alice'), []);
    });

    it('refuses the logon of the disabled account', async () => {
      await assert.rejects(mayWrite('disabled', 'alice'), /data 533/);
    });

    it('spells the name of dave as the directory does', async () => {
      const ldif = await ldapSearch(lab, ['-b', lab.baseDn, '(sAMAccountName=dave)', '1.1']);
      const dn = /^dn:: (.+)$/m.exec(ldif)?.[1] ?? '';
      assert.equal(Buffer.from(dn, 'base64').toString(), lab.accounts.dave.dn);
    });
  });

  describe('the pair, without our own code', () => {
    afterEach(async () => {
      await resetUser(lab, 'dave');
    });

    it('reads what was written, and nothing after a reset', async () => {
      const blob = await readFile(threeEntries);
      const entries = await readBlobIndependently(blob);
      const digests = entries.map(({ md5 }) => Buffer.from(md5, 'hex'));
      assert.equal(entries.length, 3);

      await writePair(lab, 'dave', { blob, digests });
      const read = await readPairIndependently(lab, 'dave');
      assert.deepEqual(read.blob, blob);
      assert.deepEqual(read.digests.map(hex).sort(), digests.map(hex).sort());

      await resetUser(lab, 'dave');
      assert.deepEqual(await readPairIndependently(lab, 'dave'), { blob: null, digests: [] });
    });

    it('reads values that ldapsearch prints as text', async () => {
      const digest = Buffer.from('sixteen letters!');
      await writePair(lab, 'dave', { blob: Buffer.from('text'), digests: [digest] });
      assert.deepEqual(await readPairIndependently(lab, 'dave'), { blob: Buffer.from('text'), digests: [digest] });
    });
  });

  describe('the lossy proxy', () => {
    it('loses the reply to a write that the directory has made, and passes everything else', async () => {
      const proxy = await lossyProxy(lab.ip);
      try {
        const lost = proxy.loseReply(700);
        const blob = randomBytes(900);
        await assert.rejects(
          writePair(lab, 'carol', { blob, digests: [] }, { url: proxy.url }),
          /Can't contact LDAP server/,
        );
        await lost;
        assert.deepEqual((await readPairIndependently(lab, 'carol', { url: proxy.url })).blob, blob);
      } finally {
        await proxy.close();
        await resetUser(lab, 'carol');
      }
    });
  });

  it('ends with its owner, even when that is killed', async () => {
    const owner = spawn('sleep', ['infinity'], { stdio: 'ignore' });
    const other = await launchLab([], owner.pid ?? 0);
    const keeper = identify(other.pid);
    assert.notEqual(other.ip, lab.ip);

    owner.kill('SIGKILL');
    await until(() => !runs(keeper));
    assert.equal(existsSync(other.dir), false);
    assert.equal(await connects(other.ip, 636), false);
    assert.equal(await connects(lab.ip, 636), true);
  });

  it('names the versions of Samba there are, and what they cannot do', async () => {
    await assert.rejects(runAdLab(['up', '--samba', '4.18']), { code: 1, stderr: /takes 4\.17 or 4\.22, not 4\.18/ });
    const two = runAdLab(['up', '--samba', '4.22', '--dcs', '2']);
    await assert.rejects(two, { code: 1, stderr: /--dcs 2 goes with the Samba of this machine only, not 4\.22/ });
  });

  it('tells a user without root what is missing', async () => {
    // Another account may not be able to read the checkout, so this one says that it is another.
    const asNobody = ['--import', 'data:text/javascript,process.getuid = () => 65534'];
    const main = fileURLToPath(new URL('../../scripts/lab/main.ts', import.meta.url));
    const started = execFileAsync(process.execPath, [...asNobody, main, 'up']);
    await assert.rejects(started, { code: 1, stderr: /must run as root/ });
  });

  it('tells a root without the right to make networks why two domain controllers cannot run', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'msmq-cert-check-'));
    const env = { ...process.env, TMPDIR: folder };
    const within = (...words: string[]) => execFileAsync('setpriv', ['--bounding-set=-net_admin', ...words], { env });
    await assert.rejects(within(adLab, 'check', '--dcs', '2'), { code: 1, stderr: /^ad-lab: ip link add failed: / });
    assert.equal(registrations().filter(({ dir }) => dir.startsWith(folder)).length, 0);
    await rmdir(folder);
    assert.deepEqual(await within(adLab, 'check'), { stdout: '', stderr: '' });
  });
});

describe('a domain controller of a lab', () => {
  it('has stopped when the last of its processes has, which may outlive the first', async () => {
    const slow = 'trap "sleep 0.3; exit" TERM; echo ready; while :; do sleep 0.05; done';
    const samba = spawn('sh', ['-c', `sh -c '${slow}' & exec sleep 600`], { detached: true });
    await once(samba.stdout, 'data');
    await stop(samba);
    assert.equal(groupRuns(samba.pid ?? 0), false);
  });
});

describe('addresses of labs', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'registry-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });
  const lab = { dir: '/tmp/lab', keeper: identify(process.pid), owner: null };

  it('are given to one lab each, until it releases them', () => {
    const names = ['127.64.0.1', '127.64.0.2'];
    assert.equal(claim(names, lab, folder).name, '127.64.0.1');
    assert.equal(claim(names, lab, folder).name, '127.64.0.2');
    assert.throws(() => claim(names, lab, folder), /every address for a lab is taken/);
    release('127.64.0.1', folder);
    assert.equal(claim(names, lab, folder).name, '127.64.0.1');
    assert.deepEqual(
      registrations(folder)
        .map(({ name }) => name)
        .sort(),
      names,
    );
  });
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Looks again and again, ten seconds at most. */
async function until(holds: () => boolean): Promise<void> {
  for (let look = 0; look < 200 && !holds(); look++) await wait(50);
  assert.equal(holds(), true);
}

async function connects(ip: string, port: number): Promise<boolean> {
  const socket = connect(port, ip);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
