import { type ErrorCode, MsmqCertError, systemCode } from '../errors.ts';

/** What is said of a file that could not be read, where it is not the usual. */
export interface ReadAdvice {
  code?: ErrorCode;
  hint?: string;
  /** Where there is no such file. */
  missing?: { message: string; hint: string };
}

/**
 * A system error while something was read as an error with a code; a bug is thrown as it is.
 * @param what begins the sentence, such as `the plan plan.json`
 */
export function readError(what: string, error: unknown, advice: ReadAdvice = {}): MsmqCertError {
  if (error instanceof MsmqCertError) return error;
  const system = systemCode(error);
  if (system === undefined) throw error;
  const { code = 'file-unreadable', hint = 'check the path and the rights', missing } = advice;
  if (system === 'EBUSY') return openElsewhere(what, error);
  if (system === 'ENOENT' && missing) {
    return new MsmqCertError(code, missing.message, { hint: missing.hint, cause: error });
  }
  return new MsmqCertError(code, `${what} cannot be read: ${system}`, { hint, cause: error });
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
