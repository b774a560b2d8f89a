import { createReadStream } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { MsmqCertError, toMsmqCertError } from '../../errors.ts';
import { nameIndex } from '../../packed/name-index.ts';
import { jsonList, type Sequence } from '../../packed/packed-list.ts';
import { externalSource } from '../../plan/external.ts';
import { type ManifestRow, type ReadRow, readManifest } from '../../plan/manifest.ts';
import type { Source } from '../../plan/plan.ts';
import type { Target } from '../../plan/request.ts';
import { targetsByRow } from '../../plan/targets.ts';
import { tell } from '../terminal.ts';

const FILES_AT_ONCE = 16;
const SHOWN_PROBLEMS = 100;

/**
 * What a manifest asks for, one target a user. Certificate files are named relative to the manifest, and all are checked
 * before anything happens.
 * @throws MsmqCertError invalid-manifest with every problem, file-unreadable
 */
export async function targetsFromManifest(file: string, quiet: boolean): Promise<Sequence<Target>> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  const folder = file === '-' ? process.cwd() : dirname(file);
  const check = async (read: ReadRow) => (read.kind === 'repeat' ? read : await checkSource(read.row, folder));
  const rows = Readable.from(readManifest(input, file));
  const draft = collect();
  let repeats = 0;
  // a stream keeps the order and has only a few rows under way, however long the manifest is
  for await (const checked of rows.map(check, { concurrency: FILES_AT_ONCE })) {
    if (checked.kind === 'repeat') repeats++;
    else draft.take(checked);
  }
  if (repeats > 0 && !quiet) tell(`${file}: rows that repeat others and are passed over: ${repeats}`);
  if (draft.problems.length > 0) throw badCertificates(file, draft.problems);
  return draft.targets();
}

interface Checked {
  kind: 'checked';
  row: ManifestRow;
  source: Source | MsmqCertError;
}

async function checkSource(row: ManifestRow, folder: string): Promise<Checked> {
  if (row.certificate === null) return { kind: 'checked', row, source: { kind: 'new-key' } };
  try {
    return { kind: 'checked', row, source: await externalSource(resolve(folder, row.certificate), new Date()) };
  } catch (error) {
    return { kind: 'checked', row, source: toMsmqCertError(error) };
  }
}

function collect() {
  const targets = targetsByRow();
  const owners = jsonList<{ digest: string; user: string }>();
  const byDigest = nameIndex();
  const problems: string[] = [];

  /** The same certificate may lie in two files. */
  const claim = (digest: string, user: string): string => {
    const known = byDigest.find(digest).map((position) => owners.at(position));
    const owner = known.find((each) => each?.digest === digest);
    if (owner === undefined) byDigest.add(digest, owners.push({ digest, user }));
    return owner?.user ?? user;
  };

  return {
    problems,
    take({ row, source }: Checked): void {
      const { line, user, machine, certificate, validForMs } = row;
      const key = user.toLowerCase();
      if (source instanceof MsmqCertError) {
        problems.push(`line ${line}: ${source.message}`);
        return;
      }
      const owner = source.kind === 'external' ? claim(source.digest, key) : key;
      if (owner !== key)
        problems.push(`line ${line}: the certificate in ${certificate} is given for ${user} and for ${owner}`);
      targets.add(user, { machine, source, validForMs });
    },
    targets: () => targets,
  };
}

function badCertificates(file: string, problems: readonly string[]): MsmqCertError {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const more = problems.length > SHOWN_PROBLEMS ? [`and ${problems.length - SHOWN_PROBLEMS} more`] : [];
  return new MsmqCertError('invalid-manifest', `the certificates of the manifest ${file} have ${count}`, {
    hint: 'give DER or PEM files with one RSA certificate each, named relative to the manifest',
    problems: [...problems.slice(0, SHOWN_PROBLEMS), ...more],
  });
}
