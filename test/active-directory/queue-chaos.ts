import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { outcomeOf, startMsmqCert } from '../cli/msmq-cert.ts';
import type { QueueGround } from './queue-ground.ts';

/** What a worker is started with, each time again. */
export interface WorkerWords {
  name: string;
  out: string;
  /** Further options. */
  words: string[];
}

/** A worker that ended although nobody had told it to. */
export interface End {
  name: string;
  code: number | null;
  stderr: string;
}

/** Workers that are started again when they end, as a supervisor does. */
export interface Crew {
  kill(name: string): void;
  freeze(name: string): void;
  thaw(name: string): void;
  /** Those that are neither frozen nor about to be started again. */
  atWork(): string[];
  /** Lets all of them finish what they have in hand. */
  dismiss(): Promise<void>;
  /** Of those that ended by themselves, so far. */
  readonly ends: readonly End[];
  /** What they said on standard error, all together. */
  said(): string;
}

/** Between an end and the next start. */
const RESTART_MS = 500;

export function startCrew({ env, reaching }: QueueGround, workers: readonly WorkerWords[]): Crew {
  const ends: End[] = [];
  const said: string[] = [];
  const running = new Map<string, ChildProcess>();
  const frozen = new Set<string>();
  const leaving = new AbortController();
  const lives = workers.map((worker) => live(worker));

  async function live({ name, out, words }: WorkerWords): Promise<void> {
    while (!leaving.signal.aborted) {
      const child = startMsmqCert(['queue', 'work', '--name', name, '--out', out, ...words, ...reaching], { env });
      running.set(name, child);
      const { code, stderr } = await outcomeOf(child);
      running.delete(name);
      frozen.delete(name);
      said.push(...stderr.split('\n').map((line) => `${name}: ${line}`));
      if (leaving.signal.aborted) return;
      if (child.signalCode !== 'SIGKILL') ends.push({ name, code, stderr });
      await pause(RESTART_MS, undefined, { signal: leaving.signal }).catch(() => {});
    }
  }

  return {
    ends,
    kill: (name) => void running.get(name)?.kill('SIGKILL'),
    freeze(name) {
      if (running.get(name)?.kill('SIGSTOP')) frozen.add(name);
    },
    thaw(name) {
      running.get(name)?.kill('SIGCONT');
      frozen.delete(name);
    },
    atWork: () => [...running.keys()].filter((name) => !frozen.has(name)),
    async dismiss() {
      leaving.abort();
      const ended = [...running.values()].map((child) => once(child, 'exit'));
      for (const child of running.values()) {
        child.kill('SIGCONT');
        child.kill('SIGTERM');
      }
      await Promise.all([...ended, ...lives]);
    },
    said: () => said.join('\n'),
  };
}

export interface Chaos {
  seconds: number;
  /** On average, between two kills. */
  killEveryMs: number;
  /** Between two workers that begin to stand still, each for longer than its jobs wait for a sign of life. */
  freezeEveryMs: number;
  freezeMs: number;
}

/**
 * Kills and freezes workers at random moments, and restarts the database, as after a crash, and the domain controller
 * once each.
 * @returns what happened when, for the message of a failure
 */
export async function makeTrouble(crew: Crew, ground: QueueGround, chaos: Chaos): Promise<string[]> {
  const { seconds, killEveryMs, freezeEveryMs, freezeMs } = chaos;
  const begun = performance.now();
  const events: string[] = [];
  const note = (event: string) => events.push(`${((performance.now() - begun) / 1000).toFixed(1)} s: ${event}`);
  const until = (share: number) => share * seconds * 1000 - (performance.now() - begun);
  const over = new AbortController();
  const again = async (everyMs: () => number, what: () => unknown) => {
    while (await isTime(everyMs(), over.signal)) await what();
  };
  const anyone = () => pick(crew.atWork());

  const troubles = [
    again(
      () => killEveryMs * (0.5 + Math.random()),
      () => {
        const name = anyone();
        if (name === undefined) return;
        note(`kill ${name}`);
        crew.kill(name);
      },
    ),
    again(
      () => freezeEveryMs,
      async () => {
        const name = anyone();
        if (name === undefined) return;
        note(`freeze ${name}`);
        crew.freeze(name);
        await isTime(freezeMs, over.signal);
        note(`thaw ${name}`);
        crew.thaw(name);
      },
    ),
  ];
  await pause(until(1 / 3));
  note('restart the database');
  await ground.postgres.restart('immediate');
  await pause(Math.max(0, until(2 / 3)));
  note('restart the domain controller');
  await ground.restartDomainController();
  note('the domain controller is back');
  await pause(Math.max(0, until(1)));
  over.abort();
  await Promise.all(troubles);
  return events;
}

async function isTime(afterMs: number, signal: AbortSignal): Promise<boolean> {
  return await pause(afterMs, true, { signal }).catch(() => false);
}

function pick<T>(items: readonly T[]): T | undefined {
  return items[Math.floor(Math.random() * items.length)];
}

const LOOK_MS = 300;

/** Waits until no user of a run waits or is at work any more. */
export async function untilRunIsOver(run: string, { ask }: QueueGround, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) {
    if ((await usersLeft(run, ask).catch(() => 1)) === 0) return;
    await pause(LOOK_MS);
  }
  const states = await ask(
    `SELECT state || ' ' || count(*) || ' ' || max(retry_count) || ' ' || max(start_after) FROM msmq_cert_jobs.job WHERE data ->> 'run' = '${run}' GROUP BY state`,
  );
  throw new Error(`the run ${run} does not come to its end: ${states.join(', ')}`);
}

export async function usersLeft(run: string, ask: QueueGround['ask']): Promise<number> {
  const [left] = await ask(
    `SELECT count(*) FROM msmq_cert_jobs.job WHERE name = 'corp.example' AND data ->> 'run' = '${run}' AND state < 'completed'`,
  );
  return Number(left);
}
