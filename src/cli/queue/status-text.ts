import { command } from '../../advice.ts';
import { counted } from '../../counted.ts';
import type { QueuedRun } from '../../queue/runs.ts';
import { isOver, type LiveWorker, type RunStatus } from '../../queue/status.ts';
import { table } from '../render/table.ts';

/** What a run is to do, in a word or two. */
function whatFor({ asked }: QueuedRun): string {
  return asked.kind === 'undo' ? `undo ${asked.run}` : asked.request.verb;
}

function stateOf(run: QueuedRun, status: RunStatus): string {
  if (run.cancelledAt !== null) return 'cancelled';
  if (run.submittedAt === null) return 'submit not whole';
  if (!isOver(status)) return 'at work';
  return status.dead > 0 ? 'done, with dead jobs' : 'done';
}

export function runJson(run: QueuedRun, status: RunStatus) {
  const { id, domain, submittedBy, begunAt, submittedAt, cancelledAt } = run;
  return {
    run: id,
    domain,
    verb: run.asked.kind === 'undo' ? 'undo' : run.asked.request.verb,
    undoes: run.asked.kind === 'undo' ? run.asked.run : null,
    state: stateOf(run, status),
    submittedBy,
    begunAt: begunAt.toISOString(),
    submittedAt: submittedAt?.toISOString() ?? null,
    cancelledAt: cancelledAt?.toISOString() ?? null,
    ...status,
  };
}

export function runsTable(runs: readonly { run: QueuedRun; status: RunStatus }[]): string[] {
  if (runs.length === 0) return ['there is no run'];
  return table(
    runs.map(({ run, status }) => [
      run.id,
      run.domain,
      whatFor(run),
      stateOf(run, status),
      `${status.done} of ${counted(status.users, 'user')}`,
      run.begunAt.toISOString(),
    ]),
  );
}

export function runLines(run: QueuedRun, status: RunStatus): string[] {
  const { users, done, waiting, retrying, atWork, dead, cancelled, retries } = status;
  const { certificates, lastMinute, perSecond, secondsLeft, errors } = status;
  const left = secondsLeft === null || isOver(status) ? '' : `, about ${secondsLeft} s left`;
  return [
    `run ${run.id}: ${whatFor(run)} in ${run.domain}, ${stateOf(run, status)}`,
    `submitted by ${run.submittedBy}, ${run.begunAt.toISOString()}`,
    `${done} of ${counted(users, 'user')} done, ${atWork} at work, ${waiting} waiting (${retrying} of them tried before), ${dead} dead, ${cancelled} cancelled`,
    `certificates: ${certificates.added} added, ${certificates.removed} removed, ${certificates.unchanged} unchanged`,
    `${lastMinute} in the last minute, ${perSecond.toFixed(1)} a second${left}; ${counted(retries, 'retry', 'retries')} so far`,
    ...errors.map(({ code, users: of }) => `dead by ${code}: ${of}`),
    ...(dead > 0 ? [`${command('queue dead list', [], ['--run', run.id])} shows why`] : []),
    ...(run.submittedAt === null && run.cancelledAt === null
      ? ['not all users are in the queue: the same queue submit goes on where it was cut short']
      : []),
  ];
}

export function workersJson(workers: readonly LiveWorker[]) {
  return workers.map(({ name, host, pid, atWork, since, lastSeen }) => ({
    name,
    host,
    pid,
    atWork,
    since: since.toISOString(),
    lastSeen: lastSeen.toISOString(),
  }));
}

export function workersLines(workers: readonly LiveWorker[]): string[] {
  if (workers.length === 0) return ['no worker is alive'];
  return [
    `${counted(workers.length, 'worker')} alive:`,
    ...table(workers.map(({ name, atWork, lastSeen }) => [`  ${name}`, `${atWork} at work`, lastSeen.toISOString()])),
  ];
}
