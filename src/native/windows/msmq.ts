import { join } from 'node:path';
import type { Pointer } from '../library.ts';
import { type WindowsCalls, windowsLibrary } from './calls.ts';
import { lengthOf } from './containers.ts';

/** What can be told about MSMQ on this machine without any right. */
export interface MsmqFacts {
  /** `unknown`: this account may not ask. */
  service: 'running' | 'stopped' | 'missing' | 'unknown';
  /**
   * Whether it was set up without a directory, so that it registers nothing. Null where the registry says neither: the
   * names of its values, Workgroup and AlwaysWithoutDS, are from practitioners' reports.
   */
  workgroup: boolean | null;
  /** Messages signed with SHA-1 and weaker are accepted here (specification §9). */
  weakHashes: boolean;
  storage: { path: string; access: 'writable' | 'denied' | 'missing' };
}

const LOCAL_MACHINE = 0x80000002n;
const PARAMETERS = 'SOFTWARE\\Microsoft\\MSMQ\\Parameters';
/** RRF_RT_ANY */
const ANY_TYPE = 0xffff;
const KEY_READ = 0x20019;
const FOUND = 0;
const MORE_DATA = 234;
const VALUE_BYTES = 1024;

const CONNECT = 1;
const QUERY_STATUS = 4;
const NO_SUCH_SERVICE = 1060;
const RUNNING = 4;

/** FILE_ADD_FILE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS */
const ADD_FILE = 0x2;
const SHARED = 0x7;
const EXISTING = 3;
const FOLDERS_TOO = 0x02000000;
const INVALID_HANDLE = 0xffffffffffffffffn;
const ACCESS_DENIED = 5;

/** Reads the registry, asks for the service, and opens the storage folder without changing it. */
export function readMsmqFacts(calls: WindowsCalls): MsmqFacts {
  const registry = registryOf(calls);
  const modes = [registry.number(`${PARAMETERS}\\setup`, 'AlwaysWithoutDS'), registry.number(PARAMETERS, 'Workgroup')];
  const security = `${PARAMETERS}\\Security`;
  const path = registry.text(PARAMETERS, 'StoreReliablePath') ?? join(systemRoot(), 'System32', 'msmq', 'storage');
  return {
    service: serviceState(calls),
    workgroup: modes.every((each) => each === null) ? null : modes.includes(1),
    weakHashes:
      registry.hasKey(`${security}\\WeakHashAlgorithms`) || registry.value(security, 'WeakHashAlgorithms') !== null,
    storage: { path, access: storageAccess(calls, path) },
  };
}

function systemRoot(): string {
  return process.env['SystemRoot'] ?? 'C:\\Windows';
}

function registryOf({ koffi }: WindowsCalls) {
  const library = windowsLibrary(koffi, 'advapi32.dll');
  const any = 'void *';
  const number = 'uint32_t';
  const types = [any, 'str16', 'str16', number, any, any, any];
  const getValue = library.func('__stdcall', 'RegGetValueW', 'int32_t', types);
  const outHandle = koffi.out(koffi.pointer(any));
  const openKey = library.func('__stdcall', 'RegOpenKeyExW', 'int32_t', [any, 'str16', number, number, outHandle]);
  const closeKey = library.func('__stdcall', 'RegCloseKey', 'int32_t', [any]);

  const value = (key: string, name: string): Buffer | null => {
    const out = Buffer.alloc(VALUE_BYTES);
    const length = lengthOf(VALUE_BYTES);
    const status: number = getValue(LOCAL_MACHINE, key, name, ANY_TYPE, null, out, length);
    return status === FOUND || status === MORE_DATA ? out.subarray(0, length.readUInt32LE()) : null;
  };
  return {
    value,
    number: (key: string, name: string): number | null => {
      const bytes = value(key, name);
      return bytes?.length === 4 ? bytes.readUInt32LE() : null;
    },
    text: (key: string, name: string): string | null =>
      value(key, name)?.toString('utf16le').replace(/\0.*$/s, '') ?? null,
    hasKey: (key: string): boolean => {
      const out: [Pointer] = [null];
      if (openKey(LOCAL_MACHINE, key, 0, KEY_READ, out) !== FOUND) return false;
      closeKey(out[0]);
      return true;
    },
  };
}

function serviceState(calls: WindowsCalls): MsmqFacts['service'] {
  const library = windowsLibrary(calls.koffi, 'advapi32.dll');
  const any = 'void *';
  const openManager = library.func('__stdcall', 'OpenSCManagerW', any, ['str16', 'str16', 'uint32_t']);
  const openService = library.func('__stdcall', 'OpenServiceW', any, [any, 'str16', 'uint32_t']);
  const queryStatus = library.func('__stdcall', 'QueryServiceStatus', 'int32_t', [any, any]);
  const close = library.func('__stdcall', 'CloseServiceHandle', 'int32_t', [any]);

  const manager: Pointer = openManager(null, null, CONNECT);
  if (manager === null) return 'unknown';
  try {
    const service: Pointer = openService(manager, 'MSMQ', QUERY_STATUS);
    if (service === null) return calls.lastError() === NO_SUCH_SERVICE ? 'missing' : 'unknown';
    const status = Buffer.alloc(28);
    const known: number = queryStatus(service, status);
    close(service);
    if (!known) return 'unknown';
    return status.readUInt32LE(4) === RUNNING ? 'running' : 'stopped';
  } finally {
    close(manager);
  }
}

function storageAccess(calls: WindowsCalls, path: string): MsmqFacts['storage']['access'] {
  const library = windowsLibrary(calls.koffi, 'kernel32.dll');
  const number = 'uint32_t';
  const types = ['str16', number, number, 'void *', number, number, 'void *'];
  const open = library.func('__stdcall', 'CreateFileW', 'uintptr_t', types);
  const close = library.func('__stdcall', 'CloseHandle', 'int32_t', ['uintptr_t']);
  const handle = BigInt(open(path, ADD_FILE, SHARED, null, EXISTING, FOLDERS_TOO, null));
  if (handle === INVALID_HANDLE) return calls.lastError() === ACCESS_DENIED ? 'denied' : 'missing';
  close(handle);
  return 'writable';
}
