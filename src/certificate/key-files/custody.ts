import { createHash } from 'node:crypto';
import type { Sealing } from '../sealing/envelope.ts';

/** What becomes of a new private key: key files, files that only a recipient can open, or a command that is given it. */
export type KeyHandover = { kind: 'files' } | ({ kind: 'sealed' } & Sealing) | { kind: 'sink'; sink: KeySink };

/** A command that takes keys on standard input. */
export interface KeySink {
  command: string;
  timeoutMs: number;
}

/**
 * Where the private key of a key set is, and by what a later process tells that it is intact. `files`: in the PFX, which
 * is opened to see. `sealed`: in a PFX that only its recipient can open; hashes are SHA-256, 64 hex digits. `sink`: with
 * the command that was given it, once that has said so.
 */
export type Custody =
  | { kind: 'files' }
  | { kind: 'sealed'; recipient: string; padding: 'oaep' | 'pkcs1'; pfx: string; passphrase: string }
  | { kind: 'sink'; taken: boolean };

/** In which way a key set lies on the disk. */
export type KeptAs = Custody['kind'];

const SEALED = '.p7m';

/** The name of a key file, which says whether it is sealed. */
export function sealedName(path: string): string {
  return path + SEALED;
}

export function keptAs({ pfx }: { pfx: string | null }): KeptAs {
  if (pfx === null) return 'sink';
  return /\.pfx\.p7m(\.|$)/.test(pfx) ? 'sealed' : 'files';
}

/** The one path that names a key set: where a key sink has the key, only the certificate is there. */
export function mainFile({ pfx, certificate }: { pfx: string | null; certificate: string }): string {
  return pfx ?? certificate;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
