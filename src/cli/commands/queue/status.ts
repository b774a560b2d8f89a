import { type Command, Option } from 'commander';
import ms from 'ms';
import * as z from 'zod';
import { MsmqCertError, toMsmqCertError } from '../../../errors.ts';
import type { Queue } from '../../../queue/queue.ts';
import { readRuns } from '../../../queue/runs.ts';
import { liveWorkers, runStatus } from '../../../queue/status.ts';
import { type ExitCode, exitCodeOfError, exitCodes } from '../../exit-codes.ts';
import { addExamples, rare } from '../../help.ts';
import { requirePromFile } from '../../metrics/metrics.ts';
import { addDatabaseOption, addOutputOptions, newCommand, parseCount, parseDuration } from '../../options.ts';
import { printJsonLine, printResult, tellError } from '../../output.ts';
import { withQueue } from '../../queue/open.ts';
import { runJson, runLines, runsTable, workersJson, workersLines } from '../../queue/status-text.ts';
import { type Look, lookAt, watchRun, watchView } from '../../queue/watch.ts';
import { watchInterrupts } from '../../running/interrupts.ts';
import { readSettings, settings } from '../../settings.ts';
import { tell } from '../../terminal.ts';

export function statusCommand(): Command {
  const command = newCommand('status')
    .summary('show how far runs are')
    .description(
      'Shows how far a run is and which workers are alive; without a run, the newest runs. With --watch it goes on until ' +
        'the run is over, and ends with exit code 1 when users failed for good.',
    )
    .argument('[run]', 'the id that queue submit printed')
    .option('--limit <n>', 'without a run: so many of the newest', parseCount, 10)
    .option('--watch', 'show how the run goes on, until it is over')
    .addOption(
      rare(new Option('--every <duration>', 'with --watch: look again after so long'))
        .argParser(parseDuration)
        .default(ms('1s'), '1s'),
    )
    .addOption(new Option('--metrics-file <file>', 'write how it stands for Prometheus, such as queue.prom'))
    .addOption(rare(new Option('--ndjson', 'with --watch: print how it stands at each look, a line each')));
  addDatabaseOption(command);
  addOutputOptions(command);
  addExamples(command, [
    ['queue status --database service=msmq', 'the newest runs, and how far they are'],
    [
      'queue status 0f1e2d3c-4b5a-4697-8879-6a5b4c3d2e1f --watch --database service=msmq',
      'a bar, until the run is over; then the exit code tells whether all users are done',
    ],
  ]);
  return command.action(async (run: string | undefined, _options, self: Command) => {
    await status(run, self);
  });
}

const statusSettings = settings.output.extend({
  database: z.string().optional(),
  limit: z.number(),
  watch: z.boolean().default(false),
  every: z.number(),
  metricsFile: z.string().optional(),
  ndjson: z.boolean().default(false),
});

type Settings = z.infer<typeof statusSettings>;

async function status(id: string | undefined, command: Command): Promise<void> {
  const options = await readSettings(command, statusSettings);
  const watched = requireRunToWatch(id, options);
  requirePromFile(options.metricsFile);
  await withQueue(options, { kind: 'use' }, async (queue) => {
    if (id === undefined) await showNewest(queue, options);
    else if (watched) await watch(queue, id, options);
    else await showOne(await lookAt(queue, id), options);
  });
}

function requireRunToWatch(id: string | undefined, { watch, ndjson }: Settings): boolean {
  if (watch && id === undefined) {
    throw new MsmqCertError('usage', '--watch is given without a run', {
      hint: 'give the id that queue submit printed; queue status lists the runs',
    });
  }
  if (ndjson && !watch) {
    throw new MsmqCertError('usage', '--ndjson is given without --watch: there is one document', {
      hint: 'give --json',
    });
  }
  return watch;
}

async function showNewest(queue: Queue, options: Settings): Promise<void> {
  const runs = await readRuns(queue, options.limit);
  const workers = new Map<string, Look['workers']>();
  for (const { domain } of runs) if (!workers.has(domain)) workers.set(domain, await liveWorkers(queue, domain));
  const looks = await Promise.all(
    runs.map(async (run) => ({ run, status: await runStatus(queue, run), workers: workers.get(run.domain) ?? [] })),
  );
  const metrics = await metricsOf(options);
  await metrics.write(looks);
  const json = { schema: 1, command: 'queue status', runs: looks.map((look) => runJson(look.run, look.status)) };
  printResult({ exitCode: metrics.exitCode(exitCodes.done), json, lines: runsTable(looks) }, options);
}

async function showOne(look: Look, options: Settings): Promise<void> {
  const metrics = await metricsOf(options);
  await metrics.write([look]);
  printLook(look, metrics.exitCode(exitCodes.done), options);
}

function printLook(look: Look, exitCode: ExitCode, options: Settings): void {
  const lines = [...runLines(look.run, look.status), '', ...workersLines(look.workers)];
  printResult({ exitCode, json: lookJson(look), lines }, options);
}

function lookJson({ run, status: of, workers }: Look) {
  return { schema: 1, command: 'queue status', ...runJson(run, of), workers: workersJson(workers) };
}

async function watch(queue: Queue, id: string, options: Settings): Promise<void> {
  const metrics = await metricsOf(options);
  const view = watchView(id, options);
  const interrupts = watchInterrupts(() => {});
  let isAway = false;
  try {
    const last = await watchRun(() => lookAt(queue, id), {
      everyMs: options.every,
      stop: interrupts.signal,
      async onLook(look) {
        view.show(look);
        if (options.ndjson) printJsonLine({ ...lookJson(look), at: new Date().toISOString() });
        await metrics.write([look]);
      },
      onAway(error) {
        if (!isAway) tellError(error);
        isAway = true;
      },
      onBack() {
        if (isAway && !options.quiet) tell('the database can be reached again');
        isAway = false;
      },
    });
    view.stop();
    const { reason } = interrupts.signal;
    const stopped = reason instanceof MsmqCertError ? reason : null;
    if (stopped !== null && !options.quiet) tell('not watched any more; the run goes on');
    const exitCode = metrics.exitCode(stopped === null ? exitCodeFor(last) : exitCodeOfError(stopped));
    if (options.ndjson) process.exitCode = exitCode;
    else printLook(last, exitCode, options);
  } finally {
    view.stop();
    interrupts.release();
  }
}

function exitCodeFor({ status: { dead } }: Look): ExitCode {
  return dead > 0 ? exitCodes.someFailed : exitCodes.done;
}

interface QueueMetrics {
  write(looks: readonly Look[]): Promise<void>;
  /** That of a command that did what it should, but for the file. */
  exitCode(otherwise: ExitCode): ExitCode;
}

async function metricsOf({ metricsFile }: Settings): Promise<QueueMetrics> {
  if (metricsFile === undefined) return { write: async () => {}, exitCode: (otherwise) => otherwise };
  // the library for the format is loaded only when there is something to write
  const { writeQueueFigures } = await import('../../metrics/write-queue.ts');
  let failed: string | null = null;
  return {
    async write(looks) {
      try {
        await writeQueueFigures(metricsFile, looks);
        failed = null;
      } catch (thrown) {
        const error = toMsmqCertError(thrown);
        if (error.message !== failed) tellError(error);
        failed = error.message;
      }
    },
    exitCode: (otherwise) => (failed === null ? otherwise : otherwise || exitCodes.someFailed),
  };
}
