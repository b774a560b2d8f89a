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
  return new MsmqCertError('file-unreadable', `cannot read ${file} (${code})`, {
    hint: 'name a plain file that this account may read',
    cause: error,
  });
}

/** A full disk, a used-up quota and a limit on the size of files are the same thing to the one who runs this. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

export function writeError(file: string, error: unknown): MsmqCertError {
  if (error instanceof MsmqCertError) return error;
  const code = systemCode(error);
  if (code === undefined) throw error;
  if (FULL.has(code)) {
    return new MsmqCertError('disk-full', `no space left to write ${file} (${code})`, {
      hint: 'make room on the disk and run again',
      cause: error,
    });
  }
  return new MsmqCertError('file-unwritable', `cannot write ${file} (${code})`, {
    hint: 'check that this account may write the file and its folder, and that both exist',
    cause: error,
  });
}

export function noReplicas(file: string): MsmqCertError {
  return new MsmqCertError('usage', `${file} is a single file: there is nothing for it to replicate to`, {
    hint: 'name a domain controller with --directory ldaps://dc1.corp.example',
  });
}
