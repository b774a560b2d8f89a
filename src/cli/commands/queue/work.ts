import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import * as z from 'zod';
import type { Directory, Listing } from '../../../directory/directory.ts';
import { parseDn } from '../../../directory/names.ts';
import { MsmqCertError, toMsmqCertError } from '../../../errors.ts';
import { allowInsecureFileSystems } from '../../../files/private-files.ts';
import { makeProvenFolder } from '../../../files/probe.ts';
import type { DatabaseSettings } from '../../../queue/database.ts';
import { domainOfDn } from '../../../queue/job.ts';
import type { Queue } from '../../../queue/queue.ts';
import { type SharedRate, sharedRate } from '../../../queue/rate.ts';
import { workOn } from '../../../queue/work.ts';
import { KEYS_AT_ONCE } from '../../../run/context.ts';
import { openDirectory } from '../../access/connect.ts';
import { type ExitCode, exitCodeOfError, exitCodes } from '../../exit-codes.ts';
import { addExamples, rare } from '../../help.ts';
import { requireFolder } from '../../input.ts';
import {
  addDatabaseOption,
  addDirectoryOptions,
  addHandoverOptions,
  addOutputOptions,
  addPassphraseOption,
  collect,
  newCommand,
  parseCount,
  parseDuration,
  parseRate,
} from '../../options.ts';
import { printJsonLine, printResult, tellError } from '../../output.ts';
import { goOnUnread } from '../../pipes.ts';
import { withQueue } from '../../queue/open.ts';
import { stationsOn } from '../../queue/stations.ts';
import { tellAttempt, workerLines } from '../../queue/text.ts';
import { troubleIn, troubleTeller } from '../../queue/trouble.ts';
import { handleJob } from '../../queue/worker.ts';
import { handoverRecord } from '../../running/handover.ts';
import { watchInterrupts } from '../../running/interrupts.ts';
import { readSettings, settings } from '../../settings.ts';
import { tell } from '../../terminal.ts';

export function workCommand(): Command {
  const command = newCommand('work')
    .summary('work on the queue')
    .description(
      'Works on the jobs of a domain until it is stopped: makes the keys, puts them where this worker is told to, and ' +
        'writes to the directory. Start as many as you like, on as many machines as you like. SIGTERM or Ctrl+C stops it: ' +
        'users who are under way are finished, and its exit code is 0, or 143 or 130 with --until-empty.',
    )
    .option('--only-below <dn>', 'write to users below this DN only; may be given again', collectDn)
    .option('--only-verbs <names>', 'do nothing else than these, such as register,renew', parseVerbs)
    .option('--until-empty', 'end when nothing waits or is at work any more')
    .option('--name <name>', 'by which status calls this worker; else the host and the process');
  addPassphraseOption(command).option('--out <dir>', 'folder for the key files and the journals', 'msmq-certs');
  addHandoverOptions(command);
  command
    .addOption(
      rare(new Option('--hook-timeout <duration>', 'end a key sink after this long (60s)')).argParser(parseDuration),
    )
    .optionsGroup('How:')
    .addOption(
      new Option('--rate <n>', 'at most so many writes a second, of all workers together').argParser(parseRate),
    )
    .addOption(rare(new Option('--concurrency <n>', 'users at once')).argParser(parseCount).default(4))
    .addOption(
      rare(new Option('--keys-on <n>', 'keys made at once; else one for each core and one more')).argParser(parseCount),
    )
    .addOption(rare(new Option('--insecure-file-system', 'write keys also where others can read them')))
    .addOption(rare(new Option('--ndjson', 'print one result a line as it comes, the summary last')));
  addDatabaseOption(command);
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    [
      'queue work --database service=msmq --directory ad://corp.example --bind provisioner@corp.example --password-file pw --seal-to operator.cer --rate 50',
      'one of many workers, until it is stopped',
    ],
    [
      'queue work --until-empty --only-verbs register --only-below OU=Services,DC=corp,DC=example',
      'in a container that ends',
    ],
  ]);
  return command.action(async (_options, self: Command) => {
    await work(self);
  });
}

const VERBS = ['register', 'renew', 'replace', 'repair', 'prune', 'undo'] as const;

const workSettings = settings.keys.omit({ keySize: true, hash: true, validFor: true, pfxEncryption: true }).extend({
  onlyBelow: z.array(z.string()).default([]),
  onlyVerbs: z.array(z.enum(VERBS)).default([]),
  untilEmpty: z.boolean().default(false),
  name: z.string().optional(),
  keysOn: z.number().default(KEYS_AT_ONCE),
});

type Settings = z.infer<typeof workSettings>;

async function work(command: Command): Promise<void> {
  const options = await readSettings(command, workSettings);
  goOnUnread();
  await requireFolder(options.out);
  // wrong options are told before anything is opened
  await handoverRecord(options);
  const name = options.name ?? `${hostname()}-${process.pid}`;
  // the lanes, the heartbeat, looking for lost workers, and what is asked in between
  const connections = options.concurrency + 4;
  await withQueue(options, { kind: 'work', name, connections }, async (queue, database) => {
    const opened = await openDirectory(options);
    try {
      if (options.insecureFileSystem) allowInsecureFileSystems();
      // a worker that cannot keep a key must not take a job from those that can
      await makeProvenFolder(options.out);
      await workWith(queue, database, opened, name, options);
    } finally {
      await opened.close();
    }
  });
}

async function workWith(
  queue: Queue,
  database: DatabaseSettings,
  opened: Directory & Listing,
  name: string,
  options: Settings,
): Promise<void> {
  const domain = await domainOf(opened, options);
  const rate: SharedRate | null = options.rate === undefined ? null : await sharedRate(database, domain, options.rate);
  const worker = `${name}/${randomBytes(4).toString('hex')}`;
  const stations = stationsOn({
    queue,
    worker,
    opened,
    settings: options,
    keysAtOnce: options.keysOn,
    onTrouble: tellError,
  });
  const interrupts = watchInterrupts(() =>
    tell('stopping after the users that are under way; once more stops at once'),
  );
  const broken = new AbortController();
  const stop = AbortSignal.any([interrupts.signal, broken.signal]);
  const tally = { users: 0, failed: 0, left: new Set<string>() };
  const onTrouble = troubleTeller((error) => broken.abort(error));
  if (!options.quiet) tell(`working on the queue of ${domain} in ${queue.where} as ${name}`);
  try {
    const { concurrency, untilEmpty } = options;
    await workOn(queue, { domain, concurrency, stop, untilEmpty, onTrouble }, (claim) =>
      handleJob(claim, {
        queue,
        domain,
        worker,
        directory: opened,
        rate,
        stations,
        allowed: { below: options.onlyBelow, verbs: options.onlyVerbs },
        stop,
        lookAtPlace: () => makeProvenFolder(options.out).then(() => null, toMsmqCertError),
        onAttempt(account, run, attempt, kind) {
          const trouble = troubleIn(attempt);
          if (trouble !== null) onTrouble(trouble);
          else tellAttempt(account, run, attempt, options);
          if (kind === 'done' || kind === 'dead') tally.users++;
          if (kind === 'dead') tally.failed++;
          if (kind === 'not-ours') tally.left.add(claim.id);
        },
        onStop: (error) => broken.abort(error),
      }),
    );
  } finally {
    interrupts.release();
    await rate?.close();
  }
  const journals = await stations.close();
  const { users, failed } = tally;
  const left = tally.left.size;
  const why = broken.signal.aborted ? broken.signal.reason : interrupts.signal.reason;
  const error = why instanceof MsmqCertError ? why : null;
  const exitCode = exitCodeFor(error, options, failed + left);
  const stoppedBy = error?.code ?? null;
  const json = {
    schema: 1,
    command: 'queue work',
    domain,
    worker,
    users,
    failed,
    leftToNewer: left,
    journals,
    stoppedBy,
  };
  if (options.ndjson) {
    printJsonLine(json);
    process.exitCode = exitCode;
  } else printResult({ exitCode, json, lines: workerLines({ users, failed, left, journals }) }, options);
  if (error !== null && error.code !== 'interrupted') tellError(error);
}

/** A worker that is told to stop has done what it should, unless it was to empty the queue. */
function exitCodeFor(error: MsmqCertError | null, { untilEmpty }: Settings, failed: number): ExitCode {
  if (error?.code === 'interrupted' && !untilEmpty) return exitCodes.done;
  if (error !== null) return exitCodeOfError(error);
  return failed > 0 ? exitCodes.someFailed : exitCodes.done;
}

/** @throws MsmqCertError usage */
async function domainOf(opened: Listing, { baseDn }: Settings): Promise<string> {
  const dn = (await opened.provenance?.())?.baseDn ?? baseDn;
  if (dn != null) return domainOfDn(dn);
  throw new MsmqCertError('usage', 'the directory does not say which domain it has the users of', {
    hint: 'give --base-dn, such as DC=corp,DC=example',
  });
}

function parseVerbs(text: string): string[] {
  const verbs = text.split(',').map((verb) => verb.trim());
  if (verbs.every((verb) => VERBS.some((known) => known === verb))) return verbs;
  throw new InvalidArgumentError(`give some of ${VERBS.join(', ')}, with commas between them.`);
}

/** What is no distinguished name would refuse every user. */
function collectDn(value: string, previous: string[] | undefined): string[] {
  const parts = parseDn(value);
  if (parts.length > 0 && parts.every(({ type }) => type !== '')) return collect(value, previous);
  throw new InvalidArgumentError('give a distinguished name, such as OU=Services,DC=corp,DC=example.');
}
