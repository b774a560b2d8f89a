import type { KoffiFunc, LibraryHandle } from 'koffi';
import { MsmqCertError } from '../../errors.ts';
import { bytesAt, type Koffi, loadKoffi, openLibrary, type Pointer } from '../library.ts';

type Out<T> = [T];
/** BOOL: 0 for failure, and GetLastError says why. */
type Bool = number;
type Call<A extends unknown[], R = Bool> = KoffiFunc<(...args: A) => R>;

/** The calls of CryptoAPI and a few others, as wincrypt.h and its neighbours have them. */
export interface WindowsCalls {
  koffi: Koffi;
  acquireContext: Call<[out: Out<Pointer>, container: string | null, provider: string, type: number, flags: number]>;
  releaseContext: Call<[provider: Pointer, flags: 0]>;
  importKey: Call<[provider: Pointer, blob: Buffer, length: number, key: null, flags: number, out: Out<Pointer>]>;
  generateKey: Call<[provider: Pointer, spec: number, flags: number, out: Out<Pointer>]>;
  userKey: Call<[provider: Pointer, spec: number, out: Out<Pointer>]>;
  exportKey: Call<[key: Pointer, with_: null, type: number, flags: 0, out: Buffer | null, length: Buffer]>;
  keyParameter: Call<[key: Pointer, parameter: number, out: Buffer, length: Buffer, flags: 0]>;
  destroyKey: Call<[key: Pointer]>;
  createHash: Call<[provider: Pointer, algorithm: number, key: null, flags: 0, out: Out<Pointer>]>;
  hashData: Call<[hash: Pointer, data: Buffer, length: number, flags: 0]>;
  /** The data is replaced by what is decrypted; CryptoAPI has the least significant byte of what goes in first. */
  decrypt: Call<[key: Pointer, hash: null, final: 1, flags: number, data: Buffer, length: Buffer]>;
  signHash: Call<[hash: Pointer, spec: number, reserved: null, flags: 0, out: Buffer | null, length: Buffer]>;
  destroyHash: Call<[hash: Pointer]>;
  openStore: Call<[kind: Pointer, encoding: 0, provider: null, flags: number, name: string], Pointer>;
  closeStore: Call<[store: Pointer, flags: 0]>;
  createCertificate: Call<[encoding: number, der: Buffer, length: number], Pointer>;
  freeCertificate: Call<[certificate: Pointer]>;
  nextCertificate: Call<[store: Pointer, previous: Pointer], Pointer>;
  setProperty: Call<[certificate: Pointer, property: number, flags: 0, value: KeyProviderInfo]>;
  property: Call<[certificate: Pointer, property: number, out: Buffer | null, length: Buffer]>;
  addCertificate: Call<[store: Pointer, certificate: Pointer, disposition: number, out: null]>;
  deleteCertificate: Call<[certificate: Pointer]>;
  protect: Call<
    [data: DataBlob, description: null, entropy: null, reserved: null, prompt: null, flags: number, out: DataBlob]
  >;
  unprotect: Call<
    [data: DataBlob, description: null, entropy: null, reserved: null, prompt: null, flags: number, out: DataBlob]
  >;
  localFree: Call<[memory: Pointer], Pointer>;
  lastError: Call<[], number>;
  userName: Call<[format: number, out: Buffer, characters: Buffer]>;
  computerName: Call<[kind: number, out: Buffer, characters: Buffer]>;
  profileType: Call<[out: Out<number>]>;
  encodedCertificate(certificate: Pointer): Buffer;
}

/** DATA_BLOB: an empty one is filled by the call. */
export interface DataBlob {
  cbData?: number;
  pbData?: Pointer;
}

/** CRYPT_KEY_PROV_INFO without parameters. */
export interface KeyProviderInfo {
  pwszContainerName: string;
  pwszProvName: string;
  dwProvType: number;
  dwFlags: number;
  cProvParam: number;
  rgProvParam: null;
  dwKeySpec: number;
}

/**
 * For commands that need the machine where MSMQ signs.
 * @param what what cannot be done elsewhere, as the start of a sentence
 * @throws MsmqCertError not-available
 */
export function requireWindows(what: string): void {
  if (process.platform === 'win32') return;
  throw new MsmqCertError('not-available', `${what} runs on Windows, and this system is ${process.platform}`, {
    hint: 'run it on the machine where the key is used, as the user whose certificate it is',
  });
}

let opened: Promise<WindowsCalls> | null = null;

/**
 * The system libraries of Windows, loaded once.
 * @throws MsmqCertError not-available
 */
export async function windowsCalls(): Promise<WindowsCalls> {
  opened ??= open();
  return await opened;
}

/** @throws MsmqCertError not-available */
export function windowsLibrary(
  koffi: Koffi,
  name: string,
  hint = 'this is no Windows with its usual libraries',
): LibraryHandle {
  return openLibrary(koffi, { purpose: name, names: [name], hint });
}

async function open(): Promise<WindowsCalls> {
  const koffi = await loadKoffi('the certificate store of Windows');
  const any = 'void *';
  const number = 'uint32_t';
  const text = 'str16';
  const outHandle = koffi.out(koffi.pointer(any));
  const blob = koffi.pointer(koffi.struct({ cbData: number, pbData: any }));
  const outBlob = koffi.out(blob);
  const info = koffi.struct({
    ...{ pwszContainerName: text, pwszProvName: text, dwProvType: number, dwFlags: number },
    ...{ cProvParam: number, rgProvParam: any, dwKeySpec: number },
  });
  const context = koffi.struct({
    ...{ dwCertEncodingType: number, pbCertEncoded: any, cbCertEncoded: number, pCertInfo: any, hCertStore: any },
  });
  const from = (file: string) => {
    const library = windowsLibrary(koffi, file);
    return <A extends unknown[], R = Bool>(name: string, types: Parameters<Koffi['out']>[0][], result = 'int32_t') =>
      library.func('__stdcall', name, result, types) as unknown as Call<A, R>;
  };
  const advapi = from('advapi32.dll');
  const crypt = from('crypt32.dll');
  const kernel = from('kernel32.dll');
  const secur = from('secur32.dll');
  const userenv = from('userenv.dll');

  return {
    koffi,
    acquireContext: advapi('CryptAcquireContextW', [outHandle, text, text, number, number]),
    releaseContext: advapi('CryptReleaseContext', [any, number]),
    importKey: advapi('CryptImportKey', [any, any, number, any, number, outHandle]),
    generateKey: advapi('CryptGenKey', [any, number, number, outHandle]),
    userKey: advapi('CryptGetUserKey', [any, number, outHandle]),
    exportKey: advapi('CryptExportKey', [any, any, number, number, any, any]),
    keyParameter: advapi('CryptGetKeyParam', [any, number, any, any, number]),
    destroyKey: advapi('CryptDestroyKey', [any]),
    createHash: advapi('CryptCreateHash', [any, number, any, number, outHandle]),
    hashData: advapi('CryptHashData', [any, any, number, number]),
    decrypt: advapi('CryptDecrypt', [any, any, 'int32_t', number, any, any]),
    signHash: advapi('CryptSignHashW', [any, number, any, number, any, any]),
    destroyHash: advapi('CryptDestroyHash', [any]),
    openStore: crypt('CertOpenStore', [any, number, any, number, text], any),
    closeStore: crypt('CertCloseStore', [any, number]),
    createCertificate: crypt('CertCreateCertificateContext', [number, any, number], any),
    freeCertificate: crypt('CertFreeCertificateContext', [any]),
    nextCertificate: crypt('CertEnumCertificatesInStore', [any, any], any),
    setProperty: crypt('CertSetCertificateContextProperty', [any, number, number, koffi.pointer(info)]),
    property: crypt('CertGetCertificateContextProperty', [any, number, any, any]),
    addCertificate: crypt('CertAddCertificateContextToStore', [any, any, number, any]),
    deleteCertificate: crypt('CertDeleteCertificateFromStore', [any]),
    protect: crypt('CryptProtectData', [blob, any, any, any, any, number, outBlob]),
    unprotect: crypt('CryptUnprotectData', [blob, any, any, any, any, number, outBlob]),
    localFree: kernel('LocalFree', [any], any),
    lastError: kernel('GetLastError', [], number),
    userName: secur('GetUserNameExW', [number, any, any], 'uint8_t'),
    computerName: kernel('GetComputerNameExW', [number, any, any]),
    profileType: userenv('GetProfileType', [koffi.out(koffi.pointer(number))]),
    encodedCertificate: (certificate) => {
      const { pbCertEncoded, cbCertEncoded } = koffi.decode(certificate, context);
      return bytesAt(koffi, pbCertEncoded, cbCertEncoded);
    },
  };
}
