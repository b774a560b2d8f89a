import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SealPadding, seal } from '../../src/certificate/sealing/envelope.ts';
import { type Recipient, readRecipient } from '../../src/certificate/sealing/recipient.ts';
import { unseal } from '../../src/machine/unseal.ts';
import { makeRecipient } from '../certificate/sealing/support.ts';
import { type MemoryWindows, memoryWindows } from '../native/windows/memory-windows.ts';

describe('opening a sealed file with a key in a store', () => {
  let folder: string;
  let recipient: Recipient;
  let windows: MemoryWindows;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'msmq-cert-unseal-'));
    recipient = await readRecipient((await makeRecipient(folder)).certificate, new Date());
  });
  after(() => rm(folder, { recursive: true }));
  beforeEach(async () => {
    windows = memoryWindows();
    windows.containers.set('vault', createPrivateKey(await readFile(join(folder, 'recipient.key'))));
    windows.store.set(recipient.certificate.toString('hex'), 'vault');
  });

  const sealed = (padding: SealPadding = 'oaep') => seal(Buffer.from('geheim'), { recipient, padding });

  for (const padding of ['oaep', 'pkcs1'] as SealPadding[]) {
    it(`gives what was sealed with ${padding}`, async () => {
      assert.equal((await unseal(windows.calls, await sealed(padding), 'x.p7m')).toString(), 'geheim');
    });
  }

  it('names the file and the certificate when it is not there', async () => {
    windows.store.clear();
    await assert.rejects(unseal(windows.calls, await sealed(), 'x.p7m'), {
      code: 'recipient-key-missing',
      message:
        /^x\.p7m is sealed to the certificate with serial number [0-9A-F]+ of CN=vault, which is in no store here$/,
      hint: /./,
    });
  });

  const failures: [what: string, call: 'decrypt' | 'acquireContext', status: number, code: string][] = [
    ['is for another content', 'decrypt', 0x80090005, 'key-store'],
    ['is for signatures only', 'decrypt', 0x80090003, 'key-store'],
    ['belongs to somebody else', 'acquireContext', 0x5, 'key-store'],
    ['cannot be used by this logon', 'acquireContext', 0x80090010, 'no-key-access'],
  ];
  for (const [what, call, status, code] of failures) {
    it(`says what to do when the key ${what}`, async () => {
      windows.fail(call, status);
      const hint = code === 'no-key-access' ? /session of the user/ : /AT_KEYEXCHANGE/;
      await assert.rejects(unseal(windows.calls, await sealed(), 'x.p7m'), {
        ...{ code, hint, message: /^the key of the certificate .* of CN=vault does not open x\.p7m: / },
      });
    });
  }
});
