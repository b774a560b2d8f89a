import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openssl } from '../support.ts';

export interface RecipientFiles {
  /** DER. */
  certificate: string;
  /** PEM. */
  key: string;
}

/** Makes somebody whom keys can be sealed to, valid for a year. */
export async function makeRecipient(
  folder: string,
  usage: string | null = 'keyUsage=keyEncipherment',
  newKey: string[] = ['rsa:2048'],
): Promise<RecipientFiles> {
  const certificate = join(folder, 'recipient.cer');
  const key = join(folder, 'recipient.key');
  await openssl(
    ...['req', '-x509', '-newkey', ...newKey, '-nodes', '-subj', '/CN=vault', '-days', '365'],
    ...['-keyout', key, '-out', certificate, '-outform', 'DER'],
    ...(usage === null ? [] : ['-addext', usage]),
  );
  return { certificate, key };
}

/** What openssl finds in a sealed file. */
export async function opened(file: string, certificate: string, key: string): Promise<Buffer> {
  const words = ['cms', '-decrypt', '-binary', '-inform', 'DER', '-in', file, '-recip', certificate, '-inkey', key];
  const { stdout } = await promisify(execFile)('openssl', words, { encoding: 'buffer' });
  return stdout;
}
