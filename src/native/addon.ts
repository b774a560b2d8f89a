import { hash, randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { getRawAsset } from 'node:sea';
import { MsmqCertError, systemCode } from '../errors.ts';

/**
 * Loads a native module that is inside this executable. The system only loads code from files, so it is unpacked into a
 * folder of this account, once for each version; a file that is there is loaded when its bytes are those inside.
 * @throws MsmqCertError not-available, untrusted-path
 */
export function addonInside(name: string): unknown {
  const bytes = new Uint8Array(getRawAsset(name));
  const path = unpack(name, bytes, addonFolder());
  const module: { exports: unknown } = { exports: {} };
  process.dlopen(module, path);
  return module.exports;
}

/** Windows lets nobody but the account, administrators and the system into its LOCALAPPDATA. */
export function addonFolder(env: NodeJS.ProcessEnv = process.env): string {
  const home =
    process.platform === 'win32'
      ? (env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'))
      : env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(home, 'msmq-cert');
}

/**
 * Makes sure that a file with these bytes is in the folder, and that nobody else can put others in its place.
 * @returns its path
 * @throws MsmqCertError not-available, untrusted-path
 */
export function unpack(name: string, bytes: Uint8Array, folder: string): string {
  const digest = hash('sha256', bytes);
  const path = join(folder, digest, name);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    for (const each of [folder, dirname(path)]) checkOwn(each);
    if (!holds(path, digest)) replace(path, bytes);
    if (holds(path, digest)) return path;
  } catch (cause) {
    if (cause instanceof MsmqCertError) throw cause;
    throw new MsmqCertError('not-available', `${name} cannot be unpacked to ${path} (${systemCode(cause)})`, {
      hint: `make room there, or name another folder of this account with ${variable()}`,
      cause,
    });
  }
  throw new MsmqCertError('untrusted-path', `${path} is not what was unpacked there`, {
    hint: `find out which program changes it, or name another folder with ${variable()}`,
  });
}

function variable(): string {
  return process.platform === 'win32' ? 'LOCALAPPDATA' : 'XDG_CACHE_HOME';
}

function checkOwn(folder: string): void {
  const us = process.getuid?.();
  if (us === undefined) return;
  const stats = lstatSync(folder);
  if (stats.isDirectory() && stats.uid === us && (stats.mode & 0o022) === 0) return;
  throw new MsmqCertError('untrusted-path', `${folder} is not a folder that only this account can write to`, {
    hint: `give it to this account and take the rights of others, or name another folder with ${variable()}`,
  });
}

function holds(path: string, digest: string): boolean {
  try {
    return hash('sha256', readFileSync(path)) === digest;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

function replace(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  writeFileSync(temporary, bytes, { flag: 'wx', mode: 0o700, flush: true });
  try {
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    // another process may have been faster, and Windows replaces no file that is in use
    if (systemCode(error) !== 'EPERM' && systemCode(error) !== 'EACCES') throw error;
  }
}
