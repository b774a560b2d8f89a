import { command } from '../../advice.ts';
import { counted } from '../../counted.ts';
import type { ItemResult, UserResult } from '../../plan/results.ts';
import { type Attempt, errorsOf } from '../../queue/attempt.ts';
import { errorJson, printJsonLine, tellError } from '../output.ts';
import type { OutputSettings } from '../settings.ts';
import { print } from '../terminal.ts';

/** Tells of each user as soon as a worker is done with him. */
export function tellAttempt(
  account: string,
  run: string,
  attempt: Attempt,
  { ndjson, json, quiet }: OutputSettings & { ndjson: boolean },
): void {
  if (attempt.kind === 'stopped') return;
  const errors = errorsOf(attempt);
  if (ndjson) {
    const result = attempt.kind === 'result' ? attempt.result : null;
    printJsonLine({
      run,
      user: account,
      outcome: result?.outcome ?? 'failed',
      items: (result?.items ?? []).filter(({ action }) => action !== 'failed').map(itemJson),
      error: errors[0] === undefined ? null : errorJson(errors[0]),
    });
    return;
  }
  if (attempt.kind === 'result' && !quiet && !json) print(linesFor(attempt.result));
  for (const error of errors) tellError(error, account);
}

function itemJson({ machine, action, digest, replacedDigest, files }: ItemResult) {
  return { machine, action, digest, replacedDigest, files };
}

function linesFor({ user, items, doneBefore }: UserResult): string[] {
  const done = items.filter(({ action }) => action !== 'failed');
  if (done.length === 0) return [];
  const byAction = Map.groupBy(done, ({ action }) => action);
  const counts = [...byAction].map(([action, of]) => `${of.length} ${action}`).join(', ');
  return [`${user.account}: ${counts}${doneBefore ? ' (done before)' : ''}`];
}

export interface Tally {
  users: number;
  failed: number;
  /** Jobs of a newer form. */
  left: number;
  journals: readonly string[];
}

/** How a worker ends. */
export function workerLines({ users, failed, left, journals }: Tally): string[] {
  const failures = failed === 0 ? '' : `, ${failed} of them failed`;
  const [journal] = journals;
  return [
    `${counted(users, 'user')} worked on${failures}`,
    ...(left === 0 ? [] : [`${counted(left, 'job')} left to newer workers`]),
    ...journals.map((path) => `journal: ${path}`),
    ...(journal === undefined ? [] : [`${command('undo', [journal])} puts back what this worker wrote`]),
  ];
}
