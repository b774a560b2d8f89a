import { once } from 'node:events';
import { open, rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { stringify } from 'csv-stringify';
import { MsmqCertError, systemCode } from '../../errors.ts';
import type { Audited } from '../../inspect/audit/audit.ts';
import type { CertificateJson } from '../../inspect/audit/report.ts';
import { harmless } from '../../visible.ts';
import { isReplaceable } from '../files.ts';
import { certificateJson } from '../render/json.ts';
import { adviceOn, type Durations } from './remedies.ts';
import type { AuditSettings } from './settings.ts';
import { type AuditSink, isShown } from './sink.ts';

const HEAD = [
  ...['user', 'kind', 'dn', 'sid', 'finding', 'digest', 'account', 'machine', 'subject', 'issuer'],
  ...['notBefore', 'notAfter', 'keyBits', 'signatureAlgorithm', 'bytes', 'advice'],
];

type Cell = string | number | null;
type CsvSettings = Durations & Pick<AuditSettings, 'all'>;

/**
 * One line a finding, and with `all` also one for everything without. Cells that a spreadsheet would take for a formula
 * get an apostrophe in front. The file appears under its name when it is complete, in the place of an older one.
 * @throws MsmqCertError disk-full, file-unwritable
 */
export async function csvSink(file: string, settings: CsvSettings): Promise<AuditSink> {
  const replaceable = await isReplaceable(file);
  const target = replaceable ? `${file}.${process.pid}.tmp` : file;
  const tidy = async () => {
    if (replaceable) await rm(target, { force: true });
  };
  const failed = async (cause: unknown): Promise<never> => {
    await tidy();
    throw notWritten(file, cause);
  };
  const handle = await open(target, 'w', 0o600).catch(failed);
  const lines = stringify({ escape_formulas: true });
  const written = pipeline(lines, handle.createWriteStream());
  // Whoever writes or ends sees the failure.
  written.catch(() => {});
  lines.write(HEAD);
  return {
    async add(audited) {
      if (!isShown(audited, settings)) return;
      let hasRoom = true;
      for (const row of rowsOf(audited, settings)) hasRoom = lines.write(row);
      if (!hasRoom) await Promise.race([once(lines, 'drain'), written]).catch(failed);
    },
    async end(_summary, failure) {
      lines.end();
      await written.catch(failed);
      if (failure !== null) await tidy();
      else if (replaceable) await rename(target, file).catch(failed);
    },
  };
}

function rowsOf(audited: Audited, settings: CsvSettings): Cell[][] {
  if (audited.kind === 'unread') {
    return [row([harmless(audited.name), null, null, null, audited.error.code], [], null)];
  }
  const { state, objectKind } = audited;
  const { user, findings } = state;
  const owner = [harmless(user.account), objectKind, harmless(user.dn), user.sid];
  const rows = findings.map((code) => row([...owner, code], [], adviceOn(code, user, null, settings)));
  for (const entry of state.kind === 'decoded' ? state.entries : []) {
    const about = cellsOf(certificateJson(entry));
    for (const code of entry.findings) {
      rows.push(row([...owner, code], about, adviceOn(code, user, entry, settings)));
    }
    if (entry.findings.length === 0 && settings.all) rows.push(row([...owner, null], about, null));
  }
  return rows.length > 0 ? rows : [row([...owner, null], [], null)];
}

function cellsOf(certificate: CertificateJson): Cell[] {
  const { digest, account, machine, subject, issuer, notBefore, notAfter } = certificate;
  const { keyBits, signatureAlgorithm, bytes } = certificate;
  const names = [account, machine, subject, issuer].map((name) => (name === null ? null : harmless(name)));
  return [digest, ...names, notBefore, notAfter, keyBits, signatureAlgorithm, bytes];
}

/** Owner and finding, then what is said of the certificate, then what helps. */
function row(owner: Cell[], certificate: Cell[], advice: string | null): Cell[] {
  const empty = Array.from({ length: HEAD.length - owner.length - certificate.length - 1 }, () => null);
  return [...owner, ...certificate, ...empty, advice];
}

function notWritten(file: string, cause: unknown): MsmqCertError {
  const code = systemCode(cause);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new MsmqCertError('disk-full', `there is no room for ${file}`, { hint: 'free some space', cause });
  }
  return new MsmqCertError('file-unwritable', `${file} cannot be written: ${code ?? 'unknown error'}`, {
    hint: 'check the path and the rights',
    cause,
  });
}
