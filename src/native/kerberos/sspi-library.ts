import type { KoffiFunc, LibraryHandle } from 'koffi';
import { type Koffi, loadKoffi, openLibrary, type Pointer } from '../library.ts';

/** SecHandle: a credential or a context. Two words that mean nothing to us. */
export interface SecHandle {
  dwLower: number | bigint;
  dwUpper: number | bigint;
}

/** SecBufferDesc; its SecBuffers lie at the pointer. */
export interface SecBufferDesc {
  ulVersion: number;
  cBuffers: number;
  pBuffers: Pointer;
}

export interface SecBuffer {
  cbBuffer: number;
  BufferType: number;
  pvBuffer: Pointer;
}

export interface SecPkgContextSizes {
  cbMaxToken: number;
  cbMaxSignature: number;
  cbBlockSize: number;
  cbSecurityTrailer: number;
}

/** Returns a SECURITY_STATUS: negative for an error. */
type Call<A extends unknown[]> = KoffiFunc<(...args: A) => number>;

/** The functions of secur32.dll that a client needs, as sspi.h has them. */
export interface SspiLibrary {
  koffi: Koffi;
  secBuffer: ReturnType<Koffi['struct']>;
  /** Wine lays out what is wrapped in another way. */
  isWine: boolean;
  acquireCredentials: Call<
    [
      ...[
        principal: string | null,
        package_: string,
        use: number,
        logon: null,
        data: null,
        getKey: null,
        argument: null,
      ],
      ...[credentials: Partial<SecHandle>, expiry: [null]],
    ]
  >;
  initializeContext: Call<
    [
      ...[credentials: SecHandle, context: SecHandle | null, target: string, flags: number, reserved: 0, order: number],
      ...[input: SecBufferDesc, reserved2: 0, newContext: Partial<SecHandle>, output: SecBufferDesc],
      ...[attributes: [number], expiry: [null]],
    ]
  >;
  querySizes: Call<[context: SecHandle, attribute: number, out: Partial<SecPkgContextSizes>]>;
  queryName: Call<[context: SecHandle, attribute: number, out: { sUserName?: Pointer }]>;
  encryptMessage: Call<[context: SecHandle, quality: number, message: SecBufferDesc, sequence: 0]>;
  decryptMessage: Call<[context: SecHandle, message: SecBufferDesc, sequence: 0, quality: [number]]>;
  freeContextBuffer: Call<[buffer: Pointer]>;
  deleteContext: Call<[context: SecHandle]>;
  freeCredentials: Call<[credentials: SecHandle]>;
  formatMessage: KoffiFunc<
    (flags: number, source: null, id: number, language: 0, out: Buffer, characters: number, insertions: null) => number
  >;
}

let opened: Promise<SspiLibrary> | null = null;

/**
 * Windows' own SSPI, loaded once.
 * @throws MsmqCertError not-available
 */
export async function sspiLibrary(): Promise<SspiLibrary> {
  opened ??= open();
  return await opened;
}

async function open(): Promise<SspiLibrary> {
  const koffi = await loadKoffi('Kerberos');
  const load = (name: string) =>
    openLibrary(koffi, { purpose: 'Kerberos', names: [name], hint: 'bind with --auth simple' });
  const secur32 = load('secur32.dll');
  const handle = koffi.struct({ dwLower: 'uintptr_t', dwUpper: 'uintptr_t' });
  const secBuffer = koffi.struct({ cbBuffer: 'uint32_t', BufferType: 'uint32_t', pvBuffer: 'void *' });
  const desc = koffi.pointer(koffi.struct({ ulVersion: 'uint32_t', cBuffers: 'uint32_t', pBuffers: 'void *' }));
  const number = 'uint32_t';
  const sizes = koffi.struct({
    ...{ cbMaxToken: number, cbMaxSignature: number, cbBlockSize: number, cbSecurityTrailer: number },
  });
  const name = koffi.struct({ sUserName: 'void *' });
  const inHandle = koffi.pointer(handle);
  const outHandle = koffi.out(inHandle);
  const outNumber = koffi.out(koffi.pointer(number));
  const outTime = koffi.out(koffi.pointer('int64_t'));
  const text = 'str16';
  const any = 'void *';

  const call = <A extends unknown[]>(name: string, types: Parameters<Koffi['out']>[0][]) =>
    secur32.func('__stdcall', name, 'int32_t', types) as Call<A>;

  return {
    koffi,
    secBuffer,
    isWine: hasSymbol(load('ntdll.dll'), 'wine_get_version'),
    acquireCredentials: call('AcquireCredentialsHandleW', [text, text, number, any, any, any, any, outHandle, outTime]),
    initializeContext: call('InitializeSecurityContextW', [
      ...[inHandle, inHandle, text, number, number, number],
      ...[desc, number, outHandle, desc, outNumber, outTime],
    ]),
    querySizes: call('QueryContextAttributesW', [inHandle, number, koffi.out(koffi.pointer(sizes))]),
    queryName: call('QueryContextAttributesW', [inHandle, number, koffi.out(koffi.pointer(name))]),
    encryptMessage: call('EncryptMessage', [inHandle, number, desc, number]),
    decryptMessage: call('DecryptMessage', [inHandle, desc, number, outNumber]),
    freeContextBuffer: call('FreeContextBuffer', [any]),
    deleteContext: call('DeleteSecurityContext', [inHandle]),
    freeCredentials: call('FreeCredentialsHandle', [inHandle]),
    formatMessage: load('kernel32.dll').func('__stdcall', 'FormatMessageW', number, [
      ...[number, any, number, number, any, number, any],
    ]) as SspiLibrary['formatMessage'],
  };
}

function hasSymbol(library: LibraryHandle, name: string): boolean {
  try {
    library.symbol(name);
    return true;
  } catch {
    return false;
  }
}
