import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { MsmqCertError } from '../errors.ts';
import { unreadable } from '../files/file-errors.ts';

/**
 * The bytes of a file, or of standard input for `-`.
 * @throws MsmqCertError file-unreadable
 */
export async function readInput(file: string): Promise<Buffer> {
  if (file === '-') return await buffer(process.stdin);
  try {
    return await readFile(file);
  } catch (cause) {
    throw unreadable(file, cause);
  }
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
