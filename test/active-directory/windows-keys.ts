import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { privateKeyBlob } from '../../src/native/windows/key-blobs.ts';
import type { RecipientFiles } from '../certificate/sealing/support.ts';
import type { Windows, WindowsRun } from './windows.ts';

/** Where an administrator may have put a key. `cng` names a provider of the newer kind, without a key in it. */
export type KeyHome = 'user' | 'machine' | 'cng';

const HOMES = {
  user: { location: 0x10000, keyset: 0 },
  machine: { location: 0x20000, keyset: 0x20 },
  cng: { location: 0x10000, keyset: 0 },
} as const;

/** Puts a certificate and its key, not exportable, into a personal store under Wine. */
export async function putKey(windows: Windows, { certificate, key }: RecipientFiles, home: KeyHome): Promise<void> {
  const jwk = createPrivateKey(await readFile(key)).export({ format: 'jwk' });
  const blob = privateKeyBlob(jwk, 'AT_KEYEXCHANGE').toString('base64');
  const der = (await readFile(certificate)).toString('base64');
  const { location, keyset } = HOMES[home];
  const script = `${CALLS}
    const [blob, der] = [Buffer.from('${blob}', 'base64'), Buffer.from('${der}', 'base64')];
    const out = [null];
    const isCng = ${home === 'cng'};
    if (!isCng) {
      demand(acquire(out, 'of the test', PROVIDER, 24, 0x8 | 0x40 | ${keyset}));
      demand(importKey(out[0], blob, blob.length, null, 0, [null]));
    }
    const store = openStore(10n, 0, null, ${location}, 'MY');
    const context = createCertificate(1, der, der.length);
    demand(store !== null && context !== null);
    demand(setProperty(context, 2, 0, {
      pwszContainerName: 'of the test', pwszProvName: isCng ? 'Microsoft Software Key Storage Provider' : PROVIDER,
      dwProvType: isCng ? 0 : 24, dwFlags: ${keyset}, cProvParam: 0, rgProvParam: null, dwKeySpec: isCng ? 0 : 1,
    }));
    demand(addCertificate(store, context, 3, null));
    demand(closeStore(store, 0));`;
  const { code, stderr } = await windows.runNode(script);
  assert.equal(code, 0, stderr);
}

/** Writes the key of an exportable container as a PRIVATEKEYBLOB, readable, into a file of the folder. */
export async function exportKey(
  windows: Windows,
  container: string,
  file: string,
  run: WindowsRun = {},
): Promise<void> {
  const script = `${CALLS}
    import { writeFileSync } from 'node:fs';
    const [provider, key, length] = [[null], [null], Buffer.alloc(4)];
    demand(acquire(provider, '${container}', PROVIDER, 24, 0x40));
    demand(userKey(provider[0], 1, key));
    demand(exportKey(key[0], null, 7, 0, null, length));
    const blob = Buffer.alloc(length.readUInt32LE());
    demand(exportKey(key[0], null, 7, 0, blob, length));
    writeFileSync('${file}', blob);`;
  const { code, stderr } = await windows.runNode(script, run);
  assert.equal(code, 0, stderr);
}

const CALLS = `
  import { resolve } from 'node:path';
  const addon = { exports: {} };
  process.dlopen(addon, resolve('koffi.node'));
  const koffi = addon.exports;
  const PROVIDER = 'Microsoft Enhanced RSA and AES Cryptographic Provider';
  const [advapi, crypt] = [koffi.load('advapi32.dll'), koffi.load('crypt32.dll')];
  const [any, number, text] = ['void *', 'uint32_t', 'str16'];
  const outHandle = koffi.out(koffi.pointer(any));
  const info = koffi.struct({
    pwszContainerName: text, pwszProvName: text, dwProvType: number, dwFlags: number, cProvParam: number,
    rgProvParam: any, dwKeySpec: number,
  });
  const acquire = advapi.func('__stdcall', 'CryptAcquireContextW', 'int32_t', [outHandle, text, text, number, number]);
  const importKey = advapi.func('__stdcall', 'CryptImportKey', 'int32_t', [any, any, number, any, number, outHandle]);
  const userKey = advapi.func('__stdcall', 'CryptGetUserKey', 'int32_t', [any, number, outHandle]);
  const exportKey = advapi.func('__stdcall', 'CryptExportKey', 'int32_t', [any, any, number, number, any, any]);
  const openStore = crypt.func('__stdcall', 'CertOpenStore', any, [any, number, any, number, text]);
  const closeStore = crypt.func('__stdcall', 'CertCloseStore', 'int32_t', [any, number]);
  const createCertificate = crypt.func('__stdcall', 'CertCreateCertificateContext', any, [number, any, number]);
  const setProperty = crypt.func('__stdcall', 'CertSetCertificateContextProperty', 'int32_t', [any, number, number, koffi.pointer(info)]);
  const addCertificate = crypt.func('__stdcall', 'CertAddCertificateContextToStore', 'int32_t', [any, any, number, any]);
  function demand(done) { if (!done) throw new Error('Windows refuses'); }
`;
