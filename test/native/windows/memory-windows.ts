import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  privateDecrypt,
  sign,
} from 'node:crypto';
import type { WindowsCalls } from '../../../src/native/windows/calls.ts';

/**
 * A stand-in for CryptoAPI that keeps containers and certificates in memory, for what no Windows does on demand: to fail.
 * It knows what msmq-cert asks for, and nothing else.
 */
export interface MemoryWindows {
  calls: WindowsCalls;
  containers: Map<string, KeyObject | null>;
  /** Certificates in hex, and the container of each. */
  store: Map<string, string>;
  /** Lets a call fail with this number. */
  fail(call: keyof WindowsCalls, status: number): void;
  sign(container: string, data: Buffer): Buffer;
  /** PT_TEMPORARY is 1, PT_MANDATORY 4. */
  profile: number;
}

interface Context {
  der: Buffer;
  container: string;
}

interface Hash {
  container: string;
  data: Buffer;
}

const NEW_KEYSET = 0x8;
const DELETE_KEYSET = 0x10;
const CRYPT_OAEP = 0x40;

export function memoryWindows(): MemoryWindows {
  const containers = new Map<string, KeyObject | null>();
  const store = new Map<string, string>();
  const failures = new Map<string, number>();
  const handles: unknown[] = [null];
  let status = 0;
  const handle = (value: unknown): bigint => BigInt(handles.push(value) - 1);
  const at = <T>(pointer: unknown): T => handles[Number(pointer)] as T;
  const no = (number: number): 0 => {
    status = number;
    return 0;
  };
  const may = (call: string): boolean => {
    status = failures.get(call) ?? 0;
    return status === 0;
  };
  const answer = (bytes: Buffer, out: Buffer | null, length: Buffer): 1 => {
    length.writeUInt32LE(bytes.length);
    if (out !== null) bytes.copy(out);
    return 1;
  };
  const seal = (call: string) => (data: object, _a: null, _b: null, _c: null, _d: null, _e: number, out: object) => {
    if (!may(call)) return 0;
    Object.assign(out, data);
    return 1;
  };
  const signWith = (container: string, data: Buffer): Buffer => {
    const key = containers.get(container);
    if (!key) throw new Error(`no key in ${container}`);
    return sign('sha512', data, key);
  };

  const calls = {
    acquireContext: (out: [unknown], name: string, _provider: string, _type: number, flags: number) => {
      if (!may('acquireContext')) return 0;
      if ((flags & DELETE_KEYSET) !== 0) return containers.delete(name) ? 1 : no(0x80090016);
      if ((flags & NEW_KEYSET) !== 0) {
        if (containers.has(name)) return no(0x8009000f);
        containers.set(name, null);
      }
      if (!containers.has(name)) return no(0x80090016);
      out[0] = handle(name);
      return 1;
    },
    releaseContext: () => 1,
    importKey: (provider: unknown, blob: Buffer) => {
      if (!may('importKey')) return 0;
      containers.set(at(provider), keyIn(blob));
      return 1;
    },
    generateKey: (provider: unknown) => {
      if (!may('generateKey')) return 0;
      containers.set(at(provider), ANY_KEY);
      return 1;
    },
    userKey: (provider: unknown, _spec: number, out: [unknown]) => {
      out[0] = handle(containers.get(at(provider)));
      return 1;
    },
    keyParameter: (_key: unknown, _id: number, out: Buffer, length: Buffer) => answer(Buffer.alloc(4), out, length),
    exportKey: (key: unknown, _with: null, _type: number, _flags: number, out: Buffer | null, length: Buffer) =>
      answer(publicBlob(at(key)), out, length),
    destroyKey: () => 1,
    decrypt: (key: unknown, _hash: null, _final: 1, flags: number, data: Buffer, length: Buffer) => {
      if (!may('decrypt')) return 0;
      const padding = flags === CRYPT_OAEP ? constants.RSA_PKCS1_OAEP_PADDING : constants.RSA_PKCS1_PADDING;
      return answer(privateDecrypt({ key: at(key), padding }, Buffer.from(data).reverse()), data, length);
    },
    createHash: (provider: unknown, _algorithm: number, _key: null, _flags: number, out: [unknown]) => {
      if (!may('createHash')) return 0;
      out[0] = handle({ container: at(provider), data: Buffer.alloc(0) });
      return 1;
    },
    hashData: (hash: unknown, data: Buffer) => {
      at<Hash>(hash).data = data;
      return 1;
    },
    signHash: (hash: unknown, _spec: number, _reserved: null, _flags: number, out: Buffer | null, length: Buffer) => {
      if (!may('signHash')) return 0;
      const { container, data } = at<Hash>(hash);
      return answer(signWith(container, data).reverse(), out, length);
    },
    destroyHash: () => 1,
    openStore: () => (may('openStore') ? 1n : null),
    closeStore: () => 1,
    createCertificate: (_encoding: number, der: Buffer) => handle({ der: Buffer.from(der), container: '' }),
    freeCertificate: () => 1,
    nextCertificate: (_store: unknown, previous: unknown) => {
      const all = [...store].map(([hex, container]): Context => ({ der: Buffer.from(hex, 'hex'), container }));
      const before = previous === null ? -1 : all.findIndex(({ der }) => der.equals(at<Context>(previous).der));
      const next = all[before + 1];
      return next === undefined ? null : handle(next);
    },
    setProperty: (certificate: unknown, _id: number, _flags: number, info: { pwszContainerName: string }) => {
      at<Context>(certificate).container = info.pwszContainerName;
      return 1;
    },
    property: (certificate: unknown, _id: number, out: Buffer | null, length: Buffer) => {
      const bytes = Buffer.alloc(48);
      bytes.writeBigUInt64LE(handle(at<Context>(certificate).container), 0);
      bytes.writeBigUInt64LE(handle('Microsoft Enhanced RSA and AES Cryptographic Provider'), 8);
      bytes.writeUInt32LE(24, 16);
      bytes.writeUInt32LE(1, 40);
      return answer(bytes, out, length);
    },
    addCertificate: (_store: unknown, certificate: unknown) => {
      if (!may('addCertificate')) return 0;
      const { der, container } = at<Context>(certificate);
      store.set(der.toString('hex'), container);
      return 1;
    },
    deleteCertificate: (certificate: unknown) => {
      store.delete(at<Context>(certificate).der.toString('hex'));
      return 1;
    },
    encodedCertificate: (certificate: unknown) => at<Context>(certificate).der,
    profileType: (out: [number]) => {
      if (!may('profileType')) return 0;
      out[0] = windows.profile;
      return 1;
    },
    protect: seal('protect'),
    unprotect: seal('unprotect'),
    localFree: () => null,
    lastError: () => status,
    koffi: {
      alloc: () => handle(null),
      encode: (pointer: unknown, _type: string, bytes: Buffer) => {
        handles[Number(pointer)] = bytes;
      },
      decode: (pointer: unknown) => at(pointer),
      free: () => {},
    },
  };
  const windows: MemoryWindows = {
    calls: calls as unknown as WindowsCalls,
    containers,
    store,
    fail: (call, number) => failures.set(call, number),
    sign: signWith,
    profile: 0,
  };
  return windows;
}

const ANY_KEY = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;

function keyIn(blob: Buffer): KeyObject {
  const bytes = blob.readUInt32LE(12) / 8;
  let start = 20;
  const take = (length: number) => {
    const part = Buffer.from(blob.subarray(start, start + length)).reverse();
    start += length;
    return part.toString('base64url');
  };
  const half = bytes / 2;
  const [n, p, q, dp, dq, qi, d] = [bytes, half, half, half, half, half, bytes].map(take);
  const key = { kty: 'RSA', e: 'AQAB', n, d, p, q, dp, dq, qi } as JsonWebKey;
  return createPrivateKey({ key, format: 'jwk' });
}

function publicBlob(key: KeyObject): Buffer {
  const { n = '' } = createPublicKey(key).export({ format: 'jwk' });
  const modulus = Buffer.from(n, 'base64url').reverse();
  const head = Buffer.alloc(20);
  head.writeUInt8(6, 0);
  head.writeUInt32LE(0x31415352, 8);
  head.writeUInt32LE(modulus.length * 8, 12);
  head.writeUInt32LE(65537, 16);
  return Buffer.concat([head, modulus]);
}
