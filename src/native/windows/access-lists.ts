import { toNamespacedPath } from 'node:path';
import type { KoffiFunc } from 'koffi';
import { type Koffi, loadKoffi, openLibrary, type Pointer } from '../library.ts';
import { othersIn } from './descriptor.ts';

/** Windows' way to keep files to their owner. Paths may be of any length. */
export interface AccessLists {
  /**
   * Makes an empty file that only this account and the system may use, whatever its folder says.
   * @throws an error with the code of the same failure in Node.js: EEXIST, ENOENT, EACCES, …
   */
  createFile(path: string): void;
  /** Makes such a folder; what is made in it later is to have the same list. Throws like createFile. */
  createFolder(path: string): void;
  /** Gives what is there such a list. Throws like createFile. */
  protectFolder(path: string): void;
  /** Who else may use it, by SIDs or their short names; `everybody` where there is no list. Throws like createFile. */
  othersWithAccess(path: string): string[];
}

let opened: Promise<AccessLists> | null = null;

/**
 * Loaded once.
 * @throws MsmqCertError not-available
 */
export async function accessLists(): Promise<AccessLists> {
  opened ??= open();
  return await opened;
}

const GENERIC_WRITE = 0x40000000;
const CREATE_NEW = 1;
const FILE_ATTRIBUTE_NORMAL = 0x80;
const DACL = 0x4;
const PROTECTED_DACL = 0x80000000;
const SDDL_REVISION = 1;
const TOKEN_QUERY = 8;
const TOKEN_USER = 1;
/** What a file system answers that knows nothing of access lists: ERROR_INVALID_FUNCTION, ERROR_NOT_SUPPORTED. */
const NO_SECURITY: ReadonlySet<string> = new Set(['WIN32_1', 'WIN32_50']);
/** The longest access list there can be, with what is around it. */
const DESCRIPTOR_BYTES = 0x10000 + 256;

interface SecurityAttributes {
  nLength: number;
  lpSecurityDescriptor: Pointer;
  bInheritHandle: number;
}

async function open(): Promise<AccessLists> {
  const windows = functions(await loadKoffi('keeping files to their owner'));
  const own = windows.ownSid();
  const file = windows.descriptor(`D:P(A;;FA;;;${own})(A;;FA;;;SY)`);
  const folder = windows.descriptor(`D:P(A;OICI;FA;;;${own})(A;OICI;FA;;;SY)`);
  const ours = new Set([...othersIn(windows.text(file), new Set()), own, 'SY']);
  const attributes = (descriptor: Pointer): SecurityAttributes => ({
    ...{ nLength: windows.attributesSize, lpSecurityDescriptor: descriptor, bInheritHandle: 0 },
  });
  const name = (path: string) => toNamespacedPath(path);

  return {
    createFile(path) {
      const share = 0;
      const handle = windows.createFile(
        ...([name(path), GENERIC_WRITE, share, attributes(file), CREATE_NEW, FILE_ATTRIBUTE_NORMAL, null] as const),
      );
      if (isInvalid(handle)) throw windows.lastError('open', path);
      windows.closeHandle(handle);
    },
    createFolder(path) {
      if (windows.createDirectory(name(path), attributes(folder)) === 0) throw windows.lastError('mkdir', path);
    },
    protectFolder(path) {
      if (windows.setFileSecurity(name(path), DACL | PROTECTED_DACL, folder) === 0)
        throw windows.lastError('chmod', path);
    },
    othersWithAccess(path) {
      const held = Buffer.alloc(DESCRIPTOR_BYTES);
      if (windows.getFileSecurity(name(path), DACL, held, held.length, [0]) === 0) {
        const error = windows.lastError('stat', path);
        if (NO_SECURITY.has(error.code)) return ['everybody'];
        throw error;
      }
      return othersIn(windows.text(held), ours);
    },
  };
}

/** INVALID_HANDLE_VALUE is the highest address there is. */
function isInvalid(handle: Pointer): boolean {
  return handle === null || BigInt.asIntN(64, handle) === -1n;
}

type Call<A extends unknown[], R = number> = KoffiFunc<(...args: A) => R>;

/** The functions of Windows that this takes, as its documents have them, and what takes more than one of them. */
function functions(koffi: Koffi) {
  const load = (name: string) =>
    openLibrary(koffi, { purpose: 'keeping files to their owner', names: [name], hint: 'this is a part of Windows' });
  const [advapi32, kernel32] = [load('advapi32.dll'), load('kernel32.dll')];
  const [text, number, any] = ['str16', 'uint32_t', 'void *'];
  const outNumber = koffi.out(koffi.pointer(number));
  const outPointer = koffi.out(koffi.pointer(any));
  const security = koffi.struct({ nLength: number, lpSecurityDescriptor: any, bInheritHandle: 'int32_t' });
  const attributes = koffi.pointer(security);
  type Types = Parameters<Koffi['out']>[0][];
  const advapi = <A extends unknown[]>(name: string, types: Types) =>
    advapi32.func('__stdcall', name, 'int32_t', types) as Call<A>;
  const kernel = <A extends unknown[], R = number>(name: string, result: string, types: Types) =>
    kernel32.func('__stdcall', name, result, types) as Call<A, R>;

  const openToken = advapi<[Pointer, number, [Pointer]]>('OpenProcessToken', [any, number, outPointer]);
  const tokenInformation = advapi<[Pointer, number, Buffer, number, [number]]>('GetTokenInformation', [
    ...[any, number, any, number, outNumber],
  ]);
  const sidText = advapi<[Pointer, [Pointer]]>('ConvertSidToStringSidW', [any, outPointer]);
  const fromText = advapi<[string, number, [Pointer], null]>('ConvertStringSecurityDescriptorToSecurityDescriptorW', [
    ...[text, number, outPointer, any],
  ]);
  const toText = advapi<[Pointer | Buffer, number, number, [Pointer], null]>(
    'ConvertSecurityDescriptorToStringSecurityDescriptorW',
    [any, number, number, outPointer, any],
  );
  const currentProcess = kernel<[], Pointer>('GetCurrentProcess', any, []);
  const closeHandle = kernel<[Pointer]>('CloseHandle', 'int32_t', [any]);
  const localFree = kernel<[Pointer], Pointer>('LocalFree', any, [any]);
  const getLastError = kernel<[]>('GetLastError', number, []);

  const lastError = (call: string, path: string) => systemError(getLastError(), call, path);
  /** Calls what fills in a pointer to memory of Windows. */
  const filled = (call: string, fill: (out: [Pointer]) => number): Pointer => {
    const out: [Pointer] = [null];
    if (fill(out) === 0) throw lastError(call, 'security');
    return out[0];
  };
  const textAt = (pointer: Pointer): string => {
    const value = koffi.decode.string16(pointer);
    localFree(pointer);
    return value;
  };

  return {
    attributesSize: koffi.sizeof(security),
    lastError,
    closeHandle,
    createFile: kernel<[string, number, number, SecurityAttributes, number, number, null], Pointer>(
      'CreateFileW',
      any,
      [...[text, number, number, attributes, number, number, any]],
    ),
    createDirectory: kernel<[string, SecurityAttributes]>('CreateDirectoryW', 'int32_t', [text, attributes]),
    setFileSecurity: advapi<[string, number, Pointer]>('SetFileSecurityW', [text, number, any]),
    getFileSecurity: advapi<[string, number, Buffer, number, [number]]>('GetFileSecurityW', [
      ...[text, number, any, number, outNumber],
    ]),
    descriptor: (sddl: string) => filled('SDDL', (out) => fromText(sddl, SDDL_REVISION, out, null)),
    text: (descriptor: Pointer | Buffer) =>
      textAt(filled('SDDL', (out) => toText(descriptor, SDDL_REVISION, DACL, out, null))),
    ownSid: () => {
      const token = filled('OpenProcessToken', (out) => openToken(currentProcess(), TOKEN_QUERY, out));
      const user = Buffer.alloc(256);
      const done = tokenInformation(token, TOKEN_USER, user, user.length, [0]);
      closeHandle(token);
      if (done === 0) throw lastError('GetTokenInformation', 'security');
      // TOKEN_USER begins with a pointer to the SID, which lies behind it
      return textAt(filled('ConvertSidToStringSidW', (out) => sidText(user.readBigUInt64LE(0), out)));
    },
  };
}

/** What Node.js calls the errors of Windows that making a file can end with. */
const CODES: Partial<Record<number, string>> = {
  2: 'ENOENT',
  3: 'ENOENT',
  5: 'EACCES',
  19: 'EROFS',
  32: 'EBUSY',
  39: 'ENOSPC',
  80: 'EEXIST',
  112: 'ENOSPC',
  123: 'ENOENT',
  183: 'EEXIST',
  206: 'ENAMETOOLONG',
  267: 'ENOTDIR',
  1295: 'EDQUOT',
};

function systemError(status: number, call: string, path: string): Error & { code: string } {
  const code = CODES[status] ?? `WIN32_${status}`;
  return Object.assign(new Error(`${code}: Windows error ${status}, ${call} '${path}'`), { code });
}
