/**
 * How long a run over many users takes on a number of workers, from what its parts were measured to take: worker by worker,
 * user by user. Prints what it takes for granted. Figures of your own, by `scripts/bench issue queue-workers`, go in as
 * options. Needs nothing but Node.js.
 */
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '200000' },
    machines: { type: 'string', default: '5' },
    cores: { type: 'string', default: '2' },
    workers: { type: 'string', default: '1,8,64' },
    /** With certificate, PFX and files. */
    'keys-per-core': { type: 'string', default: '24' },
    /** Of one domain controller, however many ask. */
    'writes-per-second': { type: 'string', default: '330' },
    /** Of one worker, with certificates that are there already. */
    'worker-writes-per-second': { type: 'string', default: '210' },
    'jobs-put-in-per-second': { type: 'string', default: '4700' },
    /** Users that a worker has in hand at a time. */
    concurrency: { type: 'string', default: '4' },
    seed: { type: 'string', default: '1' },
  },
});

interface Assumptions {
  users: number;
  machines: number;
  cores: number;
  keysPerCore: number;
  writesPerSecond: number;
  workerWritesPerSecond: number;
  jobsPutInPerSecond: number;
  concurrency: number;
}

/** One worker: when its cores are free again, when it can hand over the next write, and when its last users were done. */
interface Worker {
  coresFree: number;
  writerFree: number;
  /** As many as it has in hand, in a ring. */
  done: number[];
  begun: number;
}

/** Seconds until the last user is done; the domain controller writes one user after the other. */
function simulate(workers: number, assumed: Assumptions, random: () => number): { seconds: number; busy: number } {
  const { users, machines, cores, keysPerCore, writesPerSecond, workerWritesPerSecond, concurrency } = assumed;
  const all = Array.from({ length: workers }, (): Worker => {
    return { coresFree: 0, writerFree: 0, done: Array<number>(concurrency).fill(0), begun: 0 };
  });
  // when each worker can hand over its next user: found again only for the one that has moved on
  const ready = all.map((worker) => nextReady(worker));
  let serverFree = 0;
  for (let user = 0; user < users; user++) {
    const first = indexOfLeast(ready);
    const worker = all[first];
    if (worker === undefined) break;
    const begin = Math.max(ready[first] ?? 0, serverFree);
    serverFree = begin + 1 / writesPerSecond;
    worker.writerFree = begin + 1 / workerWritesPerSecond;
    worker.done[worker.begun % concurrency] = begin + Math.max(1 / writesPerSecond, 1 / workerWritesPerSecond);
    worker.begun++;
    ready[first] = Math.max(nextReady(worker), worker.writerFree);
  }
  return { seconds: Math.max(...all.flatMap(({ done }) => done)), busy: users / writesPerSecond };

  function nextReady(worker: Worker): number {
    const inHand = worker.done[worker.begun % concurrency] ?? 0;
    const begin = Math.max(worker.coresFree, inHand);
    worker.coresFree = begin + (machines === 0 ? 0 : keysIn(machines, random) / (cores * keysPerCore));
    return worker.coresFree;
  }
}

/** Some keys take many times as long as others: as many mean times as `count` of them take. */
function keysIn(count: number, random: () => number): number {
  let sum = 0;
  for (let key = 0; key < count; key++) sum -= Math.log(1 - random());
  return sum;
}

function indexOfLeast(values: readonly number[]): number {
  let least = 0;
  for (let index = 1; index < values.length; index++) if ((values[index] ?? 0) < (values[least] ?? 0)) least = index;
  return least;
}

/** The same numbers for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function span(seconds: number): string {
  if (seconds < 90) return `${seconds.toFixed(0)} s`;
  return seconds < 5400 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function main(): void {
  const assumed: Assumptions = {
    users: Number(values.users),
    machines: Number(values.machines),
    cores: Number(values.cores),
    keysPerCore: Number(values['keys-per-core']),
    writesPerSecond: Number(values['writes-per-second']),
    workerWritesPerSecond: Number(values['worker-writes-per-second']),
    jobsPutInPerSecond: Number(values['jobs-put-in-per-second']),
    concurrency: Number(values.concurrency),
  };
  const { users, machines, cores, keysPerCore, writesPerSecond, jobsPutInPerSecond } = assumed;
  const keysPerWorker = cores * keysPerCore;
  const limit = machines === 0 ? 0 : Math.ceil((writesPerSecond * machines) / keysPerWorker);
  console.log(
    [
      'Taken for granted:',
      `  ${users} users with ${machines} new certificates each: ${users * machines} pairs`,
      `  a worker has ${cores} cores of its own, each makes ${keysPerCore} keys a second with certificate, PFX and files;`,
      '    the time of one key is spread as that of a process without memory',
      `  a worker alone writes at most ${assumed.workerWritesPerSecond} users a second, and has ${assumed.concurrency} in hand`,
      `  the domain controller writes ${writesPerSecond} users a second, one after the other, whoever asks`,
      `  ${jobsPutInPerSecond} users are put into the queue in a second, before the workers begin: ${span(users / jobsPutInPerSecond)}`,
      '  the database is never what is waited for; no worker fails; nobody else writes; no --rate',
      '',
      `The domain controller is the limit from ${limit} workers on.`,
      '',
      'workers  pairs a second  time  domain controller busy',
    ].join('\n'),
  );
  for (const workers of values.workers.split(',').map(Number)) {
    const { seconds, busy } = simulate(workers, assumed, randomFrom(Number(values.seed)));
    const rate = ((users * Math.max(1, machines)) / seconds).toFixed(0);
    const share = `${((busy / seconds) * 100).toFixed(0)} %`;
    console.log(
      `${String(workers).padStart(7)}  ${rate.padStart(14)}  ${span(seconds).padStart(6)}  ${share.padStart(5)}`,
    );
  }
}

main();
