import { stat } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { quoted } from '../advice.ts';
import { MsmqCertError } from '../errors.ts';
import { readWhole } from '../files/read-file.ts';
import { tell } from './terminal.ts';

/**
 * The bytes of a file, or of standard input for `-`.
 * @throws MsmqCertError file-unreadable
 */
export async function readInput(file: string): Promise<Buffer> {
  if (file === '-') return await buffer(process.stdin);
  return await readWhole(file);
}

/** A folder that is there already, or is still to be made. @throws MsmqCertError usage */
export async function requireFolder(out: string): Promise<void> {
  const stats = await stat(out).catch(() => null);
  if (stats === null || stats.isDirectory()) return;
  throw new MsmqCertError('usage', `--out ${out} is a file, and has to be a folder`, { hint: 'name another folder' });
}

const READ_BY_OTHERS = 0o044;

/** The bytes of a file with a secret; that others can read it too is worth a warning. */
export async function readSecret(file: string, { quiet }: { quiet: boolean }): Promise<Buffer> {
  const bytes = await readInput(file);
  const stats = file === '-' || process.platform === 'win32' ? null : await stat(file).catch(() => null);
  if (!quiet && stats?.isFile() && (stats.mode & READ_BY_OTHERS) !== 0) {
    tell(`warning: others can read ${file}; chmod 600 ${quoted(file)} keeps it to this account`);
  }
  return bytes;
}

/** The users named as arguments and in a file with one a line; empty lines and lines with # are passed over. */
export async function readUserNames(names: readonly string[], usersFrom: string | undefined): Promise<string[]> {
  const listed = usersFrom === undefined ? '' : (await readInput(usersFrom)).toString('utf8').replace(/^\uFEFF/, '');
  const lines = listed.split(/\r?\n/).map((line) => line.trim());
  const all = [...names, ...lines.filter((line) => line !== '' && !line.startsWith('#'))];
  if (all.length === 0) {
    throw new MsmqCertError('usage', 'no user is named', {
      hint: 'name users as arguments or with --users-from <file>',
    });
  }
  return [...new Set(all)];
}
