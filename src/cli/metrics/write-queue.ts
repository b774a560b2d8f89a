import { basename } from 'node:path';
import { Gauge, Registry } from 'prom-client';
import { replaceFile } from '../../files/output-file.ts';
import type { Look } from '../queue/watch.ts';

/**
 * Writes how runs of the queue stand into a metrics file, in one step.
 * @throws MsmqCertError disk-full, file-unwritable
 */
export async function writeQueueFigures(file: string, looks: readonly Look[]): Promise<void> {
  const registry = new Registry();
  registry.setDefaultLabels({ command: 'queue status', run: basename(file, '.prom') });
  const gauge = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Gauge({ name: `msmq_cert_queue_${name}`, help, labelNames, registers: [registry] });
  const ofRun = ['id', 'domain', 'verb'];

  gauge('looked_timestamp_seconds', 'When the queue was last looked at.', []).set(Date.now() / 1000);
  const alive = gauge('workers', 'Workers that show life.', ['domain']);
  const users = gauge('users', 'Users of a run, by where they are.', [...ofRun, 'state']);
  const dead = gauge('dead', 'Users of a run that failed for good, by the code of the failure.', [...ofRun, 'code']);
  const retries = gauge('retries', 'How often users of a run had to be tried again so far.', ofRun);
  const rate = gauge('users_per_second', 'Users of a run that were done in the last minute, a second.', ofRun);
  const oldest = gauge('oldest_waiting_seconds', 'How long the first user in the queue has waited.', ofRun);
  const left = gauge('left_seconds', 'How long a run still takes at this rate; infinite while nothing is done.', ofRun);
  const whole = gauge('submitted', 'Whether all users of a run are in the queue.', ofRun);

  for (const { run, status, workers } of looks) {
    const { id, domain, asked } = run;
    const own = { id, domain, verb: asked.kind === 'undo' ? 'undo' : asked.request.verb };
    alive.set({ domain }, workers.length);
    const { waiting, atWork, done, cancelled } = status;
    const states = { waiting, 'at-work': atWork, done, dead: status.dead, cancelled };
    for (const [state, count] of Object.entries(states)) users.set({ ...own, state }, count);
    for (const { code, users: count } of status.errors) dead.set({ ...own, code }, count);
    retries.set(own, status.retries);
    rate.set(own, status.perSecond);
    oldest.set(own, status.oldestWaitingSeconds ?? 0);
    const isLeft = waiting + atWork > 0;
    left.set(own, isLeft ? (status.secondsLeft ?? Number.POSITIVE_INFINITY) : 0);
    whole.set(own, Number(run.submittedAt !== null));
  }
  await replaceFile(file, await registry.metrics(), 0o644);
}
