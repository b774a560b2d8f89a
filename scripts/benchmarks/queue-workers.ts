import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { userNames } from '../../test/active-directory/bulk.ts';
import { reaching } from '../../test/active-directory/command-line.ts';
import { runMsmqCert, startMsmqCert } from '../../test/cli/msmq-cert.ts';
import { type PostgresLab, startPostgres } from '../../test/support/postgres-lab.ts';
import type { Lab } from '../lab/lab.ts';
import type { Benchmark, Measured } from './benchmark.ts';
import { writeCertificates } from './certificate-files.ts';
import { withLab } from './lab.ts';
import { processesOf, processorSeconds } from './processor-time.ts';

/** For each number of workers; one certificate each, so one modify each. */
const USERS = 400;
const WORKERS = [1, 2, 4] as const;

export const queueWorkersBenchmark: Benchmark = {
  name: 'queue-workers',
  what: 'rate of registering ready-made certificates through the queue with two workers, to one; with four beside it',
  target: { at: 'least', value: 1, unit: 'times' },
  measure,
};

interface Site {
  lab: Lab;
  postgres: PostgresLab;
  folder: string;
}

async function measure(): Promise<Measured> {
  const postgres = await startPostgres();
  const folder = await mkdtemp(join(tmpdir(), 'msmq-cert-bench-'));
  try {
    return await withLab(['--users', String(USERS * (WORKERS.length + 1))], (lab) => inSite({ lab, postgres, folder }));
  } finally {
    await postgres.stop();
    await rm(folder, { recursive: true });
  }
}

async function inSite(site: Site): Promise<Measured> {
  await command(site, ['queue', 'init', '--domain', 'corp.example']);
  const certificates = await writeCertificates(join(site.folder, 'certificates'), USERS * (WORKERS.length + 1));
  const manifests = await Promise.all(
    [...WORKERS, 0].map(async (workers, index) => {
      const from = index * USERS;
      const users = userNames(from + 1, from + USERS);
      const rows = users.map((user, row) => `${user},,${certificates[from + row]}`);
      const manifest = join(site.folder, `${workers}.csv`);
      await writeFile(manifest, ['user,machine,certificate', ...rows, ''].join('\n'));
      return { workers, manifest };
    }),
  );
  const details: Record<string, number> = { pairs: USERS, cores: availableParallelism() };
  for (const { workers, manifest } of manifests) {
    const name = workers === 0 ? 'withoutQueue' : `with${workers}`;
    const { pairsPerSecond, ...cores } =
      workers === 0 ? await plain(site, manifest) : await queued(site, manifest, workers);
    details[`${name}PairsPerSecond`] = pairsPerSecond;
    for (const [of, value] of Object.entries(cores)) details[`${name}${of}`] = value;
  }
  const [one = 0, two = 0] = [details['with1PairsPerSecond'], details['with2PairsPerSecond']];
  return { measured: two / one, details };
}

/** So many cores each was busy with, of those that the machine has. */
interface Speed {
  pairsPerSecond: number;
  SambaCores: number;
  PostgresCores?: number;
  NodeCores: number;
}

/** From the first job that was taken to the last that was done: starting the workers is not what grows. */
async function queued(site: Site, manifest: string, workers: number): Promise<Speed> {
  const submitted = await command(site, ['queue', 'submit', 'register', '--manifest', manifest, ...reaching(site.lab)]);
  const { run } = JSON.parse(submitted);
  const busy = await busyProcesses(site);
  const children = Array.from({ length: workers }, (_, index) =>
    startMsmqCert(
      ['queue', 'work', '--out', join(site.folder, `${workers}-${index}`), '--quiet', ...reaching(site.lab)],
      { env: environment(site) },
    ),
  );
  try {
    await untilDone(site, run);
    const seconds = await spanOf(site, run);
    const { samba, postgres } = await busy();
    const node = await processorSeconds(children.flatMap(({ pid }) => pid ?? []));
    return {
      pairsPerSecond: USERS / seconds,
      SambaCores: samba / seconds,
      PostgresCores: postgres / seconds,
      NodeCores: node / seconds,
    };
  } finally {
    await ended(children);
  }
}

/** The same without a queue, by one process. */
async function plain(site: Site, manifest: string): Promise<Speed> {
  const busy = await busyProcesses(site);
  const begun = performance.now();
  const words = ['register', '--manifest', manifest, '--out', join(site.folder, 'plain'), ...reaching(site.lab)];
  // that of a child that has ended is added to its parent's
  const before = await processorSeconds([process.pid]);
  await command(site, words);
  const node = (await processorSeconds([process.pid])) - before;
  const seconds = (performance.now() - begun) / 1000;
  const { samba } = await busy();
  return { pairsPerSecond: USERS / seconds, SambaCores: samba / seconds, NodeCores: node / seconds };
}

function environment({ postgres }: Site): Record<string, string> {
  return { MSMQ_CERT_DATABASE: postgres.connectionStrings.socket };
}

async function command(site: Site, words: string[]): Promise<string> {
  const { code, stdout, stderr } = await runMsmqCert([...words, '--json'], { env: environment(site) });
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

async function untilDone({ postgres }: Site, run: string): Promise<void> {
  const left = `SELECT count(*) FROM msmq_cert_jobs.job WHERE data ->> 'run' = '${run}' AND state <> 'completed'`;
  while ((await postgres.psql(left)) !== '0') await pause(250);
}

async function spanOf({ postgres }: Site, run: string): Promise<number> {
  const span = 'extract(epoch FROM max(completed_on) - min(started_on))';
  return Number(await postgres.psql(`SELECT ${span} FROM msmq_cert_jobs.job WHERE data ->> 'run' = '${run}'`));
}

/** What the domain controller and the database have worked since. */
async function busyProcesses({ lab, postgres }: Site): Promise<() => Promise<{ samba: number; postgres: number }>> {
  const now = async () => ({
    // the process that keeps it; workers have its folder among their words, too
    samba: await processorSeconds(await processesOf(`"dir":"${lab.dir}"`)),
    postgres: await processorSeconds(await processesOf(postgres.socketFolder)),
  });
  const before = await now();
  return async () => {
    const after = await now();
    return { samba: after.samba - before.samba, postgres: after.postgres - before.postgres };
  };
}

async function ended(children: readonly ChildProcess[]): Promise<void> {
  const exits = children.map((child) => once(child, 'exit'));
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(exits);
}
