import { hash } from 'node:crypto';
import { command } from '../../advice.ts';
import { counted } from '../../counted.ts';
import { MsmqCertError } from '../../errors.ts';
import { writtenUsers } from '../../queue/decide.ts';
import type { Queue } from '../../queue/queue.ts';
import { type QueuedRun, readRun } from '../../queue/runs.ts';
import { isOver, runStatus } from '../../queue/status.ts';
import { submitRun } from '../../queue/submit.ts';
import { exitCodes } from '../exit-codes.ts';
import { printResult } from '../output.ts';
import type { RunSettings } from '../settings.ts';
import { withQueue } from './open.ts';

/**
 * Puts a job for each user that a run has written to into the queue, for workers to put back what they found.
 * @throws MsmqCertError run-not-found, run-at-work
 */
export async function undoRun(id: string, settings: RunSettings): Promise<void> {
  await withQueue(settings, { kind: 'use' }, async (queue) => {
    const run = await readRun(queue, id);
    await refuseAtWork(queue, run);
    const users = await writtenUsers(queue, id);
    if (users.length === 0) {
      const json = { schema: 1, command: 'undo', run: null, undoes: id, users: 0 };
      printResult({ exitCode: exitCodes.done, json, lines: [`the run ${id} has written to nobody`] }, settings);
      return;
    }
    const submitted = await submitRun(
      queue,
      {
        domain: run.domain,
        asked: { kind: 'undo', run: id },
        keys: run.keys,
        fingerprint: hash('sha256', `undo ${id}`, 'hex').slice(0, 16),
      },
      (async function* () {
        for (const user of users) yield { user, wanted: [] };
      })(),
      { isNew: settings.newRun, onUsers: () => {} },
    );
    printResult(
      {
        exitCode: exitCodes.done,
        json: { schema: 1, command: 'undo', run: submitted.run, undoes: id, users: submitted.users },
        lines: [
          `${counted(submitted.users, 'user')} in the queue, whom workers put back to where the run ${id} found them`,
          `run: ${submitted.run}`,
          `${command('queue status', [submitted.run])} shows how far it is`,
        ],
      },
      settings,
    );
  });
}

async function refuseAtWork(queue: Queue, run: QueuedRun): Promise<void> {
  const status = await runStatus(queue, run);
  if (isOver(status)) return;
  throw new MsmqCertError(
    'run-at-work',
    `the run ${run.id} has ${counted(status.waiting + status.atWork, 'user')} to work on still`,
    {
      hint: `wait for its end, or take the rest out of the queue: ${command('queue cancel', [run.id])}`,
    },
  );
}
