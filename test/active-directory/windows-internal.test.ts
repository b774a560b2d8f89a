import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { seedCertificate } from '../certificate/support.ts';
import type { Outcome } from '../cli/msmq-cert.ts';
import { type Lab, ldapModify, readPairIndependently, resetUser, startLab, writePair } from './lab.ts';
import { answerMqrt, installMqrtStandIn } from './mqrt-stand-in.ts';
import { blobOf, daysFromNow, md5 } from './seeds.ts';
import { startWindows, type Windows } from './windows.ts';

const MACHINE = 'WIN-7';
const ELSEWHERE = 'WIN-8';
const OK = 0;
const EXISTS = 0x400e000a;

/** With a stand-in for mqrt.dll: that MSMQ itself does what is written here is documented (MC-MQAC 3.2.4.2.1), not seen. */
describe('the internal certificate, with a stand-in for mqrt.dll under Wine', () => {
  let windows: Windows;
  let lab: Lab;
  let serial = 1;
  before(async function () {
    // the tree with Wine is built when it is not there
    this.timeout(600_000);
    windows = await startWindows({ domain: MACHINE, user: 'alice' });
    lab = await startLab();
    await copyFile(lab.caFile, join(windows.folder, 'ca.pem'));
    await copyFile(lab.accounts.alice.passwordFile, join(windows.folder, 'password'));
    for (const name of [MACHINE, ELSEWHERE]) {
      const names = [`sAMAccountName: ${name}$`, `dNSHostName: ${name.toLowerCase()}.corp.example`];
      const record = [
        `dn: CN=${name},CN=Computers,${lab.baseDn}`,
        'changetype: add',
        'objectClass: computer',
        ...names,
      ];
      await ldapModify(lab, [...record, 'userAccountControl: 4096', ''].join('\n'));
    }
  });
  after(async () => {
    await windows?.remove();
  });
  for (const when of [beforeEach, afterEach]) when(() => resetUser(lab, 'alice'));

  const access = () => {
    const { bind } = lab.accounts.alice;
    return ['--directory', lab.url, '--ca-file', 'ca.pem', '--bind', bind, '--password-file', 'password'];
  };
  /** Wine names the session WIN-7\alice, where Windows says CORP\alice. */
  const words = (...more: string[]) => ['install', '--internal', '--user', 'alice', ...access(), ...more];
  const internal = (machine: string) =>
    seedCertificate({
      subject: `CORP alice, ${machine}`,
      notBefore: daysFromNow(-1),
      notAfter: daysFromNow(2000),
      serial: serial++,
    });
  const write = (certificates: Buffer[], orphans: Buffer[] = []) =>
    writePair(lab, 'alice', {
      blob: blobOf(certificates.map((certificate) => ({ certificate, digest: md5(certificate) }))),
      digests: [...certificates.map((certificate) => md5(certificate)), ...orphans],
    });
  const hex = (certificates: Buffer[]) => certificates.map((each) => md5(each).toString('hex')).sort();

  async function assertHas(certificates: Buffer[]): Promise<void> {
    const { blob, digests } = await readPairIndependently(lab, 'alice');
    assert.deepEqual(digests.map((digest) => digest.toString('hex')).sort(), hex(certificates));
    for (const certificate of certificates) assert.ok(blob?.includes(certificate));
  }

  /** Runs the command, and has the stand-in answer with what the test does meanwhile. */
  async function calling(result: number, register: () => Promise<void>, ...more: string[]): Promise<[string, Outcome]> {
    const answered = answerMqrt(windows, async () => {
      await register();
      return result;
    });
    const outcome = windows.run(words(...more));
    // a command that fails before the call must not leave the test waiting
    const call = await Promise.race([answered, outcome.then(({ stderr }) => `not called: ${stderr}`)]);
    return [call, await outcome];
  }

  it('is refused where there is no MSMQ, before anything happens', async () => {
    const { code, stderr } = await windows.run(words());
    assert.equal(code, 2);
    assert.match(stderr, /error\[not-available\]: MSMQ is not available.*mqrt\.dll/);
    assert.match(stderr, /hint: install the Windows feature/);
  });

  describe('where MSMQ is', () => {
    before(() => installMqrtStandIn(windows));

    it('is made when the directory has none, and a digest that MSMQ leaves is retired', async () => {
      const [elsewhere, old, fresh] = [internal(ELSEWHERE), internal(MACHINE), internal(MACHINE)];
      await write([elsewhere]);
      const [first, outcome] = await calling(OK, () => write([elsewhere, old]), '--json');
      assert.equal(first, '1 NULL 0', outcome.stderr);
      assert.equal(outcome.code, 0, outcome.stderr);
      assert.deepEqual(JSON.parse(outcome.stdout).internal, {
        flag: 'always',
        why: `the directory has none for ${MACHINE}`,
        result: 'registered',
        before: [],
        added: hex([old]),
        stale: [],
        mayRetire: true,
        left: [],
      });
      await assertHas([elsewhere, old]);

      // as documented: the old entry goes, its digest stays
      const [second, renewed] = await calling(OK, () => write([elsewhere, fresh], [md5(old)]), '--renew', '--json');
      assert.equal(second, '1 NULL 0', renewed.stderr);
      assert.equal(renewed.code, 0, renewed.stderr);
      const { internal: told, results, journal } = JSON.parse(renewed.stdout);
      assert.deepEqual([told.added, told.stale], [hex([fresh]), hex([old])]);
      assert.deepEqual(
        results.map(({ action, digest }: { action: string; digest: string }) => [action, digest]),
        [['removed', md5(old).toString('hex')]],
      );
      assert.match(journal, /journal/);
      await assertHas([elsewhere, fresh]);
    });

    it('is left alone when all is well', async () => {
      const certificate = internal(MACHINE);
      await write([certificate]);
      const [call, { code, stdout, stderr }] = await calling(EXISTS, async () => {});
      assert.equal(call, '2 NULL 0', stderr);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /the directory has a sound one for WIN-7\nMSMQ was asked, and this machine has one already/);
      await assertHas([certificate]);
    });

    it('takes the place of an entry that MSMQ leaves, unless there is to be an overlap', async () => {
      const [old, fresh, newest] = [internal(MACHINE), internal(MACHINE), internal(MACHINE)];
      await write([old]);
      const [, overlapping] = await calling(OK, () => write([old, fresh]), '--renew', '--overlap');
      assert.equal(overlapping.code, 0, overlapping.stderr);
      await assertHas([old, fresh]);
      const [, refused] = await calling(OK, () => write([old, fresh, newest]), '--renew');
      assert.match(refused.stderr, /error\[too-many-removals\]/);
      await assertHas([old, fresh, newest]);
      const last = internal(MACHINE);
      const [, done] = await calling(OK, () => write([old, fresh, newest, last]), '--renew', '--yes');
      assert.equal(done.code, 0, done.stderr);
      await assertHas([last]);
    });

    it('is made where nothing may be written here, and that is told before MSMQ is asked', async () => {
      const [old, fresh] = [internal(MACHINE), internal(MACHINE)];
      await write([old]);
      await copyFile(lab.accounts.carol.passwordFile, join(windows.folder, 'password-of-carol'));
      const asCarol = ['--bind', lab.accounts.carol.bind, '--password-file', 'password-of-carol'];
      const warned = await windows.run(words('--renew', '--dry-run', ...asCarol));
      assert.equal(warned.code, 0, warned.stderr);
      assert.match(warned.stderr, /^warning: this bind may not write the certificates of CORP\\alice/);
      assert.match(warned.stderr, /hint: give --overlap/);
      assert.equal((await windows.run(words('--renew', '--dry-run', '--overlap', ...asCarol))).stderr, '');
      assert.equal((await windows.run(words('--renew', '--dry-run'))).stderr, '');

      const [call, outcome] = await calling(OK, () => write([old, fresh]), '--renew', '--json', ...asCarol);
      assert.equal(call, '1 NULL 0', outcome.stderr);
      assert.equal(outcome.code, 1, outcome.stderr);
      const { internal: told, results, changed } = JSON.parse(outcome.stdout);
      assert.deepEqual([changed, told.added, told.left, results], [true, hex([fresh]), hex([old]), []]);
      await assertHas([old, fresh]);
    });

    it('is not what a dry run asks for', async () => {
      const { code, stdout, stderr } = await windows.run(words('--dry-run'));
      assert.equal(code, 0, stderr);
      assert.match(stdout, /MSMQ would be asked to make one: always/);
    });

    it('says in a sentence why MSMQ refuses, and retires nothing', async () => {
      const certificate = internal(MACHINE);
      await write([certificate]);
      const [, { code, stderr }] = await calling(0xc00e0013, async () => {}, '--renew');
      assert.equal(code, 1);
      assert.match(stderr, /error\[msmq-refused\]: MSMQ reaches no directory \(MQRegisterCertificate: 0xc00e0013\)/);
      await assertHas([certificate]);
    });

    it('says when the directory does not show what MSMQ has registered, and retires nothing', async () => {
      const certificate = internal(MACHINE);
      await write([certificate]);
      const [, { code, stderr }] = await calling(OK, async () => {}, '--renew', '--timeout', '2s');
      assert.equal(code, 1);
      assert.match(stderr, /error\[not-replicated\]/);
      await assertHas([certificate]);
    });
  });
});
