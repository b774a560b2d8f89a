import { MsmqCertError, systemCode } from '../errors.ts';

export function readError(file: string, error: unknown): MsmqCertError {
  if (error instanceof MsmqCertError) return error;
  const code = systemCode(error);
  if (code === undefined) throw error;
  if (code === 'ENOENT') {
    return new MsmqCertError('file-unreadable', `there is no file ${file}`, {
      hint: 'check the path, or export the users into it with ldapsearch -LLL or ldifde -f',
      cause: error,
    });
  }
  if (code === 'EBUSY') return openElsewhere(file, error);
  return new MsmqCertError('file-unreadable', `cannot read ${file} (${code})`, {
    hint: 'name a plain file that this account may read',
    cause: error,
  });
}

/** Something that was to be read: `what` begins the sentence, such as `the plan plan.json`. */
export function unreadable(what: string, cause: unknown, hint = 'check the path and the rights'): MsmqCertError {
  const code = systemCode(cause) ?? 'unknown error';
  return new MsmqCertError('file-unreadable', `${what} cannot be read: ${code}`, { hint, cause });
}

/** A full disk, a used-up quota and a limit on the size of files are the same thing to the one who runs this. */
const FULL: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** What to do when a name is taken, when there is no space, and in any other case. */
export interface WriteHints {
  exists: string;
  full: string;
  other: string;
}

const HINTS: WriteHints = {
  exists: 'name another file; none is overwritten',
  full: 'make room on the disk and run again',
  other: 'check that this account may write the file and its folder, and that both exist',
};

/** A system error while a file was written as an error with a code; a bug is thrown as it is. */
export function writeError(file: string, error: unknown, given: Partial<WriteHints> = {}): MsmqCertError {
  if (error instanceof MsmqCertError) return error;
  const code = systemCode(error);
  if (code === undefined) throw error;
  const hints = { ...HINTS, ...given };
  const cause = { cause: error };
  if (code === 'EEXIST')
    return new MsmqCertError('file-exists', `${file} exists already`, { hint: hints.exists, ...cause });
  if (FULL.has(code)) {
    return new MsmqCertError('disk-full', `no space left to write ${file} (${code})`, { hint: hints.full, ...cause });
  }
  if (code === 'EBUSY') return openElsewhere(file, error);
  return new MsmqCertError('file-unwritable', `cannot write ${file} (${code})`, { hint: hints.other, ...cause });
}

/** What Windows refuses and others allow. */
export function openElsewhere(file: string, cause: unknown): MsmqCertError {
  return new MsmqCertError('file-locked', `${file} is open in another program`, {
    hint: 'close it there and run again',
    cause,
  });
}

export function noReplicas(file: string): MsmqCertError {
  return new MsmqCertError('usage', `${file} is a single file: there is nothing for it to replicate to`, {
    hint: 'name a domain controller with --directory ldaps://dc1.corp.example',
  });
}
