import { realpathSync } from 'node:fs';
import { join, resolve, win32 } from 'node:path';
import { isSea } from 'node:sea';
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import * as z from 'zod';
import { MsmqCertError } from '../../errors.ts';
import { removeQuietly } from '../../files/durable-files.ts';
import { createFile } from '../../files/output-file.ts';
import { UNSEEN } from '../../visible.ts';
import { exitCodes } from '../exit-codes.ts';
import { addExamples } from '../help.ts';
import { addOutputOptions, durationOption, newCommand } from '../options.ts';
import { paragraphsOf, printResult } from '../output.ts';
import { crontabLine } from '../schedule/cron.ts';
import type { Plan, ScheduleFile } from '../schedule/plan.ts';
import {
  type LoadCommand,
  type ScheduledCommand,
  type Scheduler,
  scheduledCommand,
} from '../schedule/scheduled-command.ts';
import { systemdUnits } from '../schedule/systemd.ts';
import { taskXml } from '../schedule/task-scheduler.ts';
import { readSettings, settings } from '../settings.ts';

const SCHEDULERS = ['systemd', 'cron', 'task-scheduler'] as const satisfies readonly Scheduler[];

/** @param load makes the command that a word names */
export function scheduleCommand(load: LoadCommand): Command {
  const command = newCommand('schedule')
    .summary('print what runs a command every day')
    .description(
      'Prints the units, the crontab line or the task that runs a command of this tool every day, and changes nothing. No ' +
        'secret gets into it: systemd hands over the file of --password-file, Windows keeps the password of the account.',
    )
    .addArgument(new Argument('<scheduler>', 'what runs it').choices(SCHEDULERS))
    .argument('<command...>', 'after --: the command, with its options')
    .addOption(new Option('--at <time>', 'when, as HH:MM').argParser(parseTime).default('02:30'))
    .addOption(
      durationOption('--random-delay <duration>', 'start up to so much later, a different time every day', '1h'),
    )
    .addOption(
      new Option('--name <name>', 'of the units or the task; else msmq-cert and the command').argParser(parseName),
    )
    .option('--run-as <account>', 'who runs it; with systemd msmq-cert unless another is named')
    .option('--keytab <file>', 'with systemd and cron: client keytab for --auth kerberos')
    .option('--on-failure <unit>', 'with systemd: the unit that tells of failures, in place of one that logs them')
    .option('--program <file>', 'the msmq-cert to run; else this one')
    .option('--to <dir>', 'write the files there, where none may exist');
  addOutputOptions(command);
  addExamples(command, [
    [
      'schedule systemd --to /etc/systemd/system -- renew --everyone --broken --expiring-within 30d --directory ad://corp.example --bind provisioner@corp.example --password-file /etc/msmq-cert/password',
      'a timer that renews what is broken or ends soon',
    ],
    [
      'schedule cron --at 05:10 --keytab /etc/msmq-cert/keytab -- audit --fail-on expired --quiet --directory ad://corp.example --auth kerberos',
      'a crontab line',
    ],
    [
      'schedule task-scheduler --run-as svc-mq@corp.example --to . -- prune --everyone --superseded --older-than 30d --directory ad://corp.example --auth kerberos',
      'then: schtasks /Create /TN msmq-cert-prune /XML msmq-cert-prune.xml /RU svc-mq@corp.example /RP *',
    ],
  ]);
  return command.action(async (scheduler: Scheduler, words: string[], _options, self: Command) => {
    await schedule(scheduler, words, self, load);
  });
}

const scheduleSettings = settings.output.extend({
  at: z.string(),
  randomDelay: z.number(),
  name: z.string().optional(),
  runAs: z.string().optional(),
  keytab: z.string().optional(),
  onFailure: z.string().optional(),
  program: z.string().optional(),
  to: z.string().optional(),
});

type Options = z.infer<typeof scheduleSettings>;

async function schedule(
  scheduler: Scheduler,
  words: readonly string[],
  command: Command,
  load: LoadCommand,
): Promise<void> {
  const options = await readSettings(command, scheduleSettings);
  refuseUnseen([...words, ...Object.values(options).filter((value) => typeof value === 'string')]);
  requireFitting(scheduler, words, options);
  const scheduled = await scheduledCommand(words, scheduler, load);
  const files = filesFor(scheduler, scheduled, planFor(scheduler, scheduled, options));
  const { to } = options;
  if (to !== undefined) await writeAll(to, files);
  printResult({ exitCode: exitCodes.done, json: { schema: 1, files }, lines: shown(files, scheduler, to) }, options);
}

/** @throws MsmqCertError file-exists, file-unwritable; then none of them is left behind */
async function writeAll(folder: string, files: readonly ScheduleFile[]): Promise<void> {
  const written: string[] = [];
  try {
    for (const { name, content } of files) {
      const path = join(folder, name);
      await createFile(path, content, 0o644);
      written.push(path);
    }
  } catch (error) {
    await removeQuietly(written);
    throw error;
  }
}

function filesFor(scheduler: Scheduler, command: ScheduledCommand, plan: Plan): ScheduleFile[] {
  switch (scheduler) {
    case 'systemd':
      return systemdUnits(command, plan);
    case 'cron':
      return crontabLine(command, plan);
    case 'task-scheduler':
      return taskXml(command, plan);
  }
}

function planFor(scheduler: Scheduler, { verb }: ScheduledCommand, options: Options): Plan {
  const { at, randomDelay, name = `msmq-cert-${verb}`, runAs, keytab, onFailure, program } = options;
  return {
    name,
    at,
    randomDelayMs: randomDelay,
    program: program === undefined ? thisProgram() : [programPath(program, scheduler)],
    ...(runAs && { runAs }),
    ...(keytab && { keytab: resolve(keytab) }),
    ...(onFailure && { onFailure }),
  };
}

function thisProgram(): string[] {
  const [, script = ''] = process.argv;
  return isSea() ? [process.execPath] : [process.execPath, realpathSync(script)];
}

function programPath(program: string, scheduler: Scheduler): string {
  return scheduler === 'task-scheduler' && win32.isAbsolute(program) ? program : resolve(program);
}

/** Several files are told apart by a comment that has the name of each. */
function shown(files: readonly ScheduleFile[], scheduler: Scheduler, to: string | undefined): string[] {
  if (to !== undefined) return files.map(({ name }) => `written: ${join(to, name)}`);
  const folder = scheduler === 'systemd' ? '/etc/systemd/system/' : null;
  return paragraphsOf(
    files.map(({ name, content }) => [
      ...(folder === null ? [] : [`# ${folder}${name}`]),
      ...content.trimEnd().split('\n'),
    ]),
  );
}

/** @throws MsmqCertError usage */
function requireFitting(scheduler: Scheduler, words: readonly string[], { runAs, keytab, onFailure }: Options): void {
  const refuse = (message: string, hint: string) => {
    throw new MsmqCertError('usage', message, { hint });
  };
  if (scheduler === 'task-scheduler' && runAs === undefined)
    refuse('the task needs an account to run as', 'name it with --run-as DOMAIN\\user');
  if (scheduler === 'task-scheduler' && keytab !== undefined)
    refuse('--keytab is given, which Windows has no use for', 'the account of --run-as is logged on with its password');
  if (scheduler === 'cron' && runAs !== undefined)
    refuse('--run-as is given, which a crontab line does not say', 'put the line into the crontab of that account');
  if (scheduler !== 'systemd' && onFailure !== undefined)
    refuse('--on-failure is given, which only systemd knows', 'leave it out, or schedule with systemd');
  const isKerberos = words.some(
    (word, at) => word === '--auth=kerberos' || (words[at - 1] === '--auth' && word === 'kerberos'),
  );
  if (scheduler !== 'task-scheduler' && isKerberos && keytab === undefined)
    refuse('nobody logs on before the command to get a ticket', 'name a client keytab with --keytab, before --');
}

const unseen = new RegExp(UNSEEN, 'u');

/** A line break would begin a line of its own in a unit or a crontab. */
function refuseUnseen(words: readonly string[]): void {
  const index = words.findIndex((word) => unseen.test(word));
  if (index < 0) return;
  throw new MsmqCertError('usage', 'a word of the command has a character in it that cannot be seen', {
    hint: 'leave out line breaks and control characters',
  });
}

function parseTime(text: string): string {
  if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(text)) throw new InvalidArgumentError('give hours and minutes, such as 02:30.');
  return text;
}

function parseName(text: string): string {
  if (!/^[A-Za-z0-9][\w.-]{0,100}$/.test(text))
    throw new InvalidArgumentError('give letters, digits, dots and dashes.');
  return text;
}
