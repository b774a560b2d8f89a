import assert from 'node:assert/strict';
import { issueCertificate } from '../../src/certificate/issue.ts';
import { buildPfx } from '../../src/certificate/pkcs12/pkcs12.ts';
import { MsmqCertError } from '../../src/errors.ts';
import { install, type SignElsewhere, uninstall } from '../../src/machine/install.ts';
import { type KeyAndCertificate, readPfx } from '../../src/machine/pfx.ts';
import type { WindowsCalls } from '../../src/native/windows/calls.ts';
import { issueRequest } from '../certificate/support.ts';
import { type MemoryWindows, memoryWindows } from '../native/windows/memory-windows.ts';

describe('installing a key', () => {
  let given: KeyAndCertificate;
  let windows: MemoryWindows;
  let container: string;
  before(async () => {
    given = await anyKey();
    container = `msmq-cert-${given.digest}`;
  });
  beforeEach(() => {
    windows = memoryWindows();
  });

  const signElsewhere: SignElsewhere = async (digest, data) => windows.sign(`msmq-cert-${digest}`, data);
  const installed = () => ({ containers: [...windows.containers.keys()], store: [...windows.store.values()] });
  const nothing = { containers: [], store: [] };

  it('puts key and certificate there once', async () => {
    assert.equal(await install(windows.calls, given, false, signElsewhere), 'installed');
    assert.deepEqual(installed(), { containers: [container], store: [container] });
    assert.equal(await install(windows.calls, given, false, signElsewhere), 'unchanged');
    assert.deepEqual(installed(), { containers: [container], store: [container] });
  });

  it('goes on where it was cut short between key and certificate', async () => {
    await install(windows.calls, given, false, signElsewhere);
    windows.store.clear();
    assert.equal(await install(windows.calls, given, false, signElsewhere), 'installed');
    assert.deepEqual(installed(), { containers: [container], store: [container] });
  });

  const failures: [what: string, call: keyof WindowsCalls, status: number, code: string][] = [
    ['the key store is full', 'importKey', 0x80090023, 'disk-full'],
    ['the personal store is read-only', 'addCertificate', 0x5, 'key-store'],
    ['the store cannot be opened', 'openStore', 0x2, 'no-key-access'],
    ['Windows says something unknown', 'importKey', 0x80091234, 'key-store'],
  ];
  for (const [what, call, status, code] of failures) {
    it(`leaves nothing when ${what}`, async () => {
      windows.fail(call, status);
      await assert.rejects(install(windows.calls, given, false, signElsewhere), { code, hint: /./ });
      assert.deepEqual(installed(), nothing);
    });
  }

  it('leaves nothing when no other process can sign', async () => {
    const failing: SignElsewhere = async () => {
      throw new MsmqCertError('signature-failed', 'it said nothing');
    };
    await assert.rejects(install(windows.calls, given, false, failing), { code: 'signature-failed' });
    assert.deepEqual(installed(), nothing);
  });

  it('leaves nothing when another process signs with another key', async () => {
    const other = await anyKey();
    await install(windows.calls, other, false, signElsewhere);
    const wrong: SignElsewhere = async (_digest, data) => windows.sign(`msmq-cert-${other.digest}`, data);
    await assert.rejects(install(windows.calls, given, false, wrong), { code: 'signature-failed' });
    assert.deepEqual(installed().containers, [`msmq-cert-${other.digest}`]);
  });

  it('does not touch a container that holds another key', async () => {
    const other = await anyKey();
    windows.containers.set(container, other.privateKey);
    await assert.rejects(install(windows.calls, given, false, signElsewhere), { code: 'container-taken' });
    assert.deepEqual([...windows.containers], [[container, other.privateKey]]);
    assert.deepEqual([...windows.store], []);
  });

  describe('and uninstalling it', () => {
    beforeEach(async () => {
      await install(windows.calls, given, false, signElsewhere);
    });

    it('takes both away', () => {
      uninstall(windows.calls, given.digest, false);
      assert.deepEqual(installed(), nothing);
      assert.throws(() => uninstall(windows.calls, given.digest, false), { code: 'digest-not-found' });
    });

    it('finishes what was cut short after the key', () => {
      windows.containers.clear();
      uninstall(windows.calls, given.digest, false);
      assert.deepEqual(installed(), nothing);
    });

    it('removes a key of somebody else only with a confirmation', () => {
      windows.containers.set('theirs', given.privateKey);
      windows.store.set(given.certificate.toString('hex'), 'theirs');
      assert.throws(() => uninstall(windows.calls, given.digest, false), { code: 'confirmation-needed' });
      assert.ok(windows.containers.has('theirs'));
      uninstall(windows.calls, given.digest, true);
      assert.equal(windows.containers.has('theirs'), false);
    });

    it('keeps a key that another certificate uses', async () => {
      const other = await anyKey();
      windows.store.set(other.certificate.toString('hex'), container);
      uninstall(windows.calls, given.digest, false);
      assert.deepEqual(installed(), { containers: [container], store: [container] });
    });
  });
});

describe('reading a PFX file to install', () => {
  const passphrase = 'a passphrase';
  const now = new Date();
  const pfxOf = async (changes = {}) =>
    buildPfx({
      ...(await issueCertificate(issueRequest(changes))),
      ...{ passphrase, friendlyName: 'x', encryption: 'TripleDES_SHA1' },
    });

  it('tells a wrong passphrase from a file that is no PFX, and takes no altered one', async () => {
    const pfx = await pfxOf();
    assert.throws(() => readPfx(pfx, 'another', 'a.pfx', now), { code: 'wrong-passphrase', message: /a\.pfx/ });
    assert.throws(() => readPfx(pfx.subarray(0, 500), passphrase, 'a.pfx', now), { code: 'invalid-pfx' });
    assert.throws(() => readPfx(Buffer.alloc(0), passphrase, 'a.pfx', now), { code: 'invalid-pfx' });
    for (let at = 0; at < pfx.length; at += 97) {
      const altered = Buffer.from(pfx);
      altered.writeUInt8((pfx[at] ?? 0) ^ 1, at);
      assert.throws(() => readPfx(altered, passphrase, 'a.pfx', now), MsmqCertError);
    }
  });

  it('never says the passphrase', async () => {
    const pfx = await pfxOf();
    assert.throws(
      () => readPfx(pfx, 'hunter2', 'a.pfx', now),
      (error: MsmqCertError) => !`${error.message}${error.hint}${error.stack}${error.cause}`.includes('hunter2'),
    );
  });

  it('refuses an expired certificate', async () => {
    const pfx = await pfxOf({ validForMs: 1000 });
    // counted from the issuing: the other clock of this file may have stood since the suites were loaded
    const later = new Date(Date.now() + 60_000);
    assert.throws(() => readPfx(pfx, passphrase, 'a.pfx', later), { code: 'certificate-expired' });
  });
});

async function anyKey(): Promise<KeyAndCertificate> {
  const { certificate, privateKey } = await issueCertificate(issueRequest());
  const content = {
    certificate,
    privateKey,
    passphrase: 'x',
    friendlyName: 'x',
    encryption: 'TripleDES_SHA1',
  } as const;
  return readPfx(buildPfx(content), 'x', 'a.pfx', new Date());
}
