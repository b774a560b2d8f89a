import { isSea } from 'node:sea';
import type { KoffiFunc, LibraryHandle } from 'koffi';
import { MsmqCertError } from '../errors.ts';
import { addonInside } from './addon.ts';

export type Koffi = typeof import('koffi');

/** A pointer of the other side; null is NULL. */
export type Pointer = bigint | null;

/** Where a system library is, and what to do when it is nowhere. */
export interface LibraryPlace {
  /** What it is for, at the start of a sentence: Kerberos. */
  purpose: string;
  /** File names or paths, the first that loads is taken. */
  names: readonly string[];
  hint: string;
}

/**
 * Loads the foreign-function library, which most commands never need. It comes as a program for each platform and may be
 * missing, like the system library it is loaded for.
 * @throws MsmqCertError not-available
 */
export async function loadKoffi(purpose: string): Promise<Koffi> {
  try {
    return isSea() ? (addonInside('koffi.node') as Koffi) : await import('koffi');
  } catch (cause) {
    if (cause instanceof MsmqCertError) throw cause;
    throw new MsmqCertError('not-available', `${purpose} is not available: the package "koffi" cannot be loaded`, {
      hint: 'install msmq-cert again without --omit=optional, on a platform that koffi has a program for',
      cause,
    });
  }
}

/** @throws MsmqCertError not-available when none of the names can be loaded */
export function openLibrary(koffi: Koffi, { purpose, names, hint }: LibraryPlace): LibraryHandle {
  let cause: unknown;
  for (const name of names) {
    try {
      return koffi.load(name);
    } catch (error) {
      cause = error;
    }
  }
  throw new MsmqCertError('not-available', `${purpose} is not available: ${names.join(' or ')} cannot be loaded`, {
    hint,
    cause,
  });
}

/** Calls a function that may wait for somebody else on another thread, and goes on with the rest meanwhile. */
export async function offMainThread<A extends unknown[], R>(
  call: KoffiFunc<(...args: A) => R>,
  ...args: A
): Promise<R> {
  return await new Promise<R>((resolve, reject) => {
    call.async(...args, (error: unknown, result: R) => (error === null ? resolve(result) : reject(error)));
  });
}

/** Copies of bytes in memory that does not move and stays until it is freed, as a call on another thread needs it. */
export interface ForeignMemory {
  /** null for no bytes. */
  hold(bytes: Uint8Array): Pointer;
  free(): void;
}

export function foreignMemory(koffi: Koffi): ForeignMemory {
  const held: bigint[] = [];
  const hold = (bytes: Uint8Array): Pointer => {
    if (bytes.length === 0) return null;
    const pointer: bigint = koffi.alloc('uint8_t', bytes.length);
    held.push(pointer);
    koffi.encode(pointer, 'uint8_t', bytes, bytes.length);
    return pointer;
  };
  const free = () => {
    for (const pointer of held.splice(0)) koffi.free(pointer);
  };
  return { hold, free };
}

/** A copy of `length` bytes at a pointer. */
export function bytesAt(koffi: Koffi, pointer: Pointer, length: number): Buffer {
  return pointer === null || length === 0 ? Buffer.alloc(0) : Buffer.from(koffi.decode(pointer, 'uint8_t', length));
}
