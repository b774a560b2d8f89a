import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execFileAsync = promisify(execFile);
const script = fileURLToPath(new URL('./independent-reader.py', import.meta.url));

/** One entry of a blob as Python and openssl see it. */
export interface IndependentEntry {
  offset: number;
  /** The Digest field, 32 hex digits. */
  digest: string;
  /** MD5 over the certificate, computed afresh. */
  md5: string;
  identifier: string;
  bytes: number;
  /** RFC 2253, null when openssl finds no certificate. */
  subject: string | null;
}

/** Decodes a raw value without any code of ours; throws when it does not end exactly after its last entry. */
export async function readBlobIndependently(blob: Uint8Array): Promise<IndependentEntry[]> {
  const running = execFileAsync('python3', [script]);
  running.child.stdin?.on('error', () => {});
  running.child.stdin?.end(blob);
  return JSON.parse((await running).stdout) as IndependentEntry[];
}
