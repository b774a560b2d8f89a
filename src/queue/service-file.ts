import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { MsmqCertError, systemCode } from '../errors.ts';
import type { ConnectionWords } from './connection-string.ts';

/**
 * The words of one service, from the first file that has it: the one that PGSERVICEFILE names, otherwise that of this
 * account; then that of the system. The form is PostgreSQL's (libpq, "The Connection Service File"): no quotes, and
 * whatever follows the first `=` is the value, which is why no reader of INI files is used.
 * @throws MsmqCertError file-unreadable, invalid-config
 */
export async function readService(
  name: string,
  environment: NodeJS.ProcessEnv,
): Promise<{ words: ConnectionWords; file: string }> {
  const files = serviceFiles(environment);
  for (const file of files) {
    const words = serviceIn(await textOf(file), name, file);
    if (words !== null) return { words, file };
  }
  throw new MsmqCertError('invalid-config', `there is no service "${name}" in ${files.join(' or ')}`, {
    hint: `write [${name}] and its host, dbname and user into one of them, or name another file with PGSERVICEFILE`,
  });
}

function serviceFiles(environment: NodeJS.ProcessEnv): string[] {
  const isWindows = process.platform === 'win32';
  const own = isWindows
    ? join(environment['APPDATA'] ?? homedir(), 'postgresql', '.pg_service.conf')
    : join(environment['HOME'] ?? homedir(), '.pg_service.conf');
  const system = environment['PGSYSCONFDIR'] ?? (isWindows ? null : '/etc/postgresql-common');
  return [environment['PGSERVICEFILE'] || own, ...(system === null ? [] : [join(system, 'pg_service.conf')])];
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return '';
    throw new MsmqCertError('file-unreadable', `${file} cannot be read (${systemCode(cause)})`, {
      hint: 'let this account read it, or name another one with PGSERVICEFILE',
      cause,
    });
  }
}

/** Null when it is not there. No error repeats a line, which may hold a password. */
function serviceIn(text: string, name: string, file: string): ConnectionWords | null {
  let words: ConnectionWords | null = null;
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('[')) {
      if (words !== null) return words;
      if (line === `[${name}]`) words = {};
      continue;
    }
    if (words === null) continue;
    const [, key, value = ''] = /^([a-z_]+)=(.*)$/.exec(line) ?? [];
    if (key === undefined || key === 'service') throw notUnderstood(file, index + 1);
    words[key] ??= value;
  }
  return words;
}

function notUnderstood(file: string, line: number): MsmqCertError {
  return new MsmqCertError('invalid-config', `line ${line} of ${file} is not understood`, {
    hint: 'each line of a service is keyword=value without blanks around the =; look-ups in LDAP and services in services are not supported',
  });
}
