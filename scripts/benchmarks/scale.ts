/**
 * Measures the parts of a run that many machines share, on this one: keys a second and core, and directory writes a second
 * from a plain run and from one, two and four workers of the queue, with certificates that are there already. The figures go
 * into scale-simulation.ts. Needs root, for the domain controller.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type PostgresLab, startPostgres } from '../../test/support/postgres-lab.ts';
import type { Lab } from '../lab/lab.ts';
import { writeCertificates } from './certificate-files.ts';
import { watchCores } from './cores.ts';
import { issueBenchmark } from './issue.ts';
import { withLab } from './lab.ts';

process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(4, availableParallelism() + 2));

const builtCommand = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const WORKERS = [1, 2, 4];
const PAUSE_MS = 3000;

interface Ground {
  lab: Lab;
  postgres: PostgresLab;
  folder: string;
  certificates: string[];
  usersEach: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { users: { type: 'string', default: '500' } } });
  const usersEach = Number(values.users);
  const tell = (what: string, value: string) => console.log(`${what.padEnd(60)} ${value}`);
  tell('machine', `${availableParallelism()} cores, ${cpus()[0]?.model ?? 'unknown'}, Node.js ${process.version}`);
  tell('load of the machine over the last minute, at the beginning', loadavg()[0]?.toFixed(1) ?? '');
  const { details } = await issueBenchmark.measure();
  const { cores = 1, bareKeysPerSecond = 0, issuedPerSecond = 0 } = details;
  tell('bare RSA-2048 keys, a second and core', (bareKeysPerSecond / cores).toFixed(1));
  tell('keys with certificate, PFX and files, a second and core', (issuedPerSecond / cores).toFixed(1));
  await withGround(usersEach, async (ground) => {
    const plain = await plainRun(ground);
    tell(`users written a second, plain run (${usersEach} users)`, plain.toFixed(0));
    for (const [at, count] of WORKERS.entries()) {
      const { written, coreMs } = await queuedRun(ground, at + 1, count);
      tell(`users written a second, workers: ${count}`, written.toFixed(0));
      for (const [who, used] of Object.entries(coreMs))
        tell(`  time of a core for each, ${who}`, `${used.toFixed(1)} ms`);
    }
  });
  tell('load of the machine over the last minute, at the end', loadavg()[0]?.toFixed(1) ?? '');
}

async function withGround(usersEach: number, use: (ground: Ground) => Promise<void>): Promise<void> {
  const rounds = WORKERS.length + 1;
  await withLab(['--users', String(usersEach * rounds)], async (lab) => {
    const folder = await mkdtemp(join(tmpdir(), 'msmq-cert-scale-'));
    const postgres = await startPostgres();
    try {
      const certificates = await writeCertificates(join(folder, 'certificates'), usersEach * rounds);
      const ground = { lab, postgres, folder, certificates, usersEach };
      await msmqCert(ground, ['queue', 'init', '--domain', 'corp.example']);
      await use(ground);
    } finally {
      await postgres.stop();
      await rm(folder, { recursive: true });
    }
  });
}

async function plainRun(ground: Ground): Promise<number> {
  const manifest = await manifestFor(ground, 0);
  const out = join(ground.folder, 'plain');
  const seconds = await duration(() => msmqCert(ground, ['register', '--manifest', manifest, '--out', out]));
  return ground.usersEach / seconds;
}

async function queuedRun(ground: Ground, round: number, workers: number) {
  const manifest = await manifestFor(ground, round);
  await msmqCert(ground, ['queue', 'submit', 'register', '--manifest', manifest]);
  // the server has nothing else to do when the workers begin
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  const watched = watchCores({
    'domain controller': `"dir":"${ground.lab.dir}"`,
    PostgreSQL: ground.postgres.socketFolder,
    workers: join(ground.folder, `${round}-`),
  });
  const names = Array.from({ length: workers }, (_, index) => `${round}-${index}`);
  await Promise.all(
    names.map((name) => msmqCert(ground, ['queue', 'work', '--until-empty', '--out', join(ground.folder, name)])),
  );
  const seconds = await watched.stop();
  const sql = `SELECT count(*), extract(epoch FROM max(completed_on) - min(started_on)) FROM msmq_cert_jobs.job
    WHERE state = 'completed' AND data ->> 'run' = (SELECT id::text FROM msmq_cert.runs ORDER BY begun_at DESC LIMIT 1)`;
  const [users = 0, span = 1] = (await ground.postgres.psql(sql)).split('|').map(Number);
  if (users !== ground.usersEach) throw new Error(`${users} users were written instead of ${ground.usersEach}`);
  const each = Object.entries(seconds).map(([who, used]) => [who, (used * 1000) / users] as const);
  return { written: users / span, coreMs: Object.fromEntries(each) };
}

/** One certificate a user. */
async function manifestFor({ folder, certificates, usersEach }: Ground, round: number): Promise<string> {
  const from = round * usersEach;
  const rows = certificates
    .slice(from, from + usersEach)
    .map((file, index) => `user${String(from + index + 1).padStart(4, '0')},PC-1,${file}`);
  const manifest = join(folder, `${round}.csv`);
  await writeFile(manifest, `user,machine,certificate\n${rows.join('\n')}\n`);
  return manifest;
}

async function msmqCert({ lab, postgres }: Ground, words: string[]): Promise<void> {
  const { bind, passwordFile } = lab.accounts.provisioner;
  const child = spawn(process.execPath, [builtCommand, ...words, '--quiet'], {
    env: {
      PATH: process.env['PATH'],
      MSMQ_CERT_DATABASE: postgres.connectionStrings.socket,
      MSMQ_CERT_DIRECTORY: lab.url,
      MSMQ_CERT_CA_FILE: lab.caFile,
      MSMQ_CERT_BIND: bind,
      MSMQ_CERT_PASSWORD_FILE: passwordFile,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  if (code !== 0) throw new Error(`msmq-cert ${words.join(' ')} ended with ${code}: ${said}`);
}

async function duration(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}

await main();
