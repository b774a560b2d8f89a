import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { stringify } from 'csv-stringify';
import { writeError } from '../../files/file-errors.ts';
import { openOutput } from '../../files/output-file.ts';
import type { Audited } from '../../inspect/audit/audit.ts';
import type { CertificateJson } from '../../inspect/audit/report.ts';
import type { FindingCode } from '../../judge/state.ts';
import { harmless } from '../../visible.ts';
import { certificateJson } from '../render/json.ts';
import { type Advice, adviceLines, adviser, type Measure } from './remedies.ts';
import type { AuditSettings } from './settings.ts';
import { type AuditSink, isShown } from './sink.ts';

const HEAD = [
  ...['user', 'kind', 'dn', 'sid', 'finding', 'digest', 'account', 'machine', 'subject', 'issuer'],
  ...['notBefore', 'notAfter', 'keyBits', 'signatureAlgorithm', 'bytes', 'advice'],
];

type Cell = string | number | null;
type CsvSettings = Measure & Pick<AuditSettings, 'all'>;

/**
 * One line a finding, and with `all` also one for everything without. What a spreadsheet would take for a formula gets an
 * apostrophe in front. The file appears under its name when it is complete, in the place of an older one.
 * @throws MsmqCertError disk-full, file-unwritable
 */
export async function csvSink(file: string, settings: CsvSettings): Promise<AuditSink> {
  const output = await openOutput(file);
  const lines = stringify({ cast: { string: withoutFormulas } });
  const written = pipeline(lines, output.stream);
  // Whoever writes or ends sees the failure.
  written.catch(() => {});
  const failed = async (cause: unknown): Promise<never> => {
    await output.discard();
    throw writeError(file, cause);
  };
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
      if (failure === null) await output.commit();
      else await output.discard();
    },
  };
}

/**
 * The beginning of a cell, also of one that comes about when a list with commas is opened as one with semicolons or tabs,
 * before what spreadsheets take for a formula.
 */
const FORMULA = /(^|[,;\t\r\n])(?=[\s"',;]*[=+\-@\uff1d\uff0b\uff0d\uff20])/g;

function withoutFormulas(text: string): string {
  return text.replace(FORMULA, "$1'");
}

function rowsOf(audited: Audited, settings: CsvSettings): Cell[][] {
  if (audited.kind === 'unread') {
    return [row([harmless(audited.name), null, null, null, audited.error.code], [], null)];
  }
  const { state, objectKind } = audited;
  const { user, findings } = state;
  const adviceOn = adviser(state, settings);
  const owner = [harmless(user.account), objectKind, harmless(user.dn), user.sid];
  const rows = findings.map((code) => row([...owner, code], [], adviceCell(code, adviceOn(code, null))));
  for (const entry of state.kind === 'decoded' ? state.entries : []) {
    const about = cellsOf(certificateJson(entry));
    for (const code of entry.findings) rows.push(row([...owner, code], about, adviceCell(code, adviceOn(code, entry))));
    if (entry.findings.length === 0 && settings.all) rows.push(row([...owner, null], about, null));
  }
  return rows.length > 0 ? rows : [row([...owner, null], [], null)];
}

/** A command that would not come out of the cell as it went in is not given. */
function adviceCell(code: FindingCode, advice: Advice): string {
  const text = adviceLines(advice).join('; ');
  return withoutFormulas(text) === text ? text : `see: docs/findings.md#${code}`;
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
