import { dirname, resolve, win32 } from 'node:path';
import { type Command, CommanderError, type Option } from 'commander';
import { MsmqCertError } from '../../errors.ts';

/** What a schedule is for. */
export type Scheduler = 'systemd' | 'cron' | 'task-scheduler';

export type LoadCommand = (verb: string) => Promise<Command[]>;

/** A word of a command line; `secret` and `folder` stand for what each scheduler keeps in its own place. */
export type Word =
  | { kind: 'text'; text: string }
  /** The path of a file that only the run may read. */
  | { kind: 'secret'; name: string; file: string }
  /** The folder of key files and journals, which was not named. */
  | { kind: 'folder' };

/** A command that was checked and does not depend on where it is started. */
export interface ScheduledCommand {
  verb: string;
  words: Word[];
  /** Folders that it writes to. */
  writesTo: string[];
}

/** What it makes sense to do every day. */
const VERBS = ['renew', 'replace', 'repair', 'prune', 'register', 'audit', 'check', 'verify', 'replication'];
const SECRETS: Readonly<Record<string, string>> = {
  passwordFile: 'password',
  passphraseFile: 'passphrase',
  clientKey: 'client-key',
};
const OUTPUTS = ['csv', 'html', 'metricsFile', 'ldif', 'journal'];

/**
 * Checks a command as it will be run: its options, that it needs nobody to answer, and that no secret is in it.
 * @throws MsmqCertError usage
 */
export async function scheduledCommand(
  words: readonly string[],
  scheduler: Scheduler,
  load: LoadCommand,
): Promise<ScheduledCommand> {
  const [verb = '', ...rest] = words;
  if (!VERBS.includes(verb)) {
    throw new MsmqCertError('usage', `there is no command ${verb} to be run every day`, {
      hint: `after -- give one of ${VERBS.join(', ')}, with its options`,
    });
  }
  refuseSecrets(words);
  const command = await parsed(verb, rest, load);
  const given = command.options.filter((option) => command.getOptionValueSource(option.attributeName()) === 'cli');
  const value = (name: string): unknown =>
    given.some((option) => option.attributeName() === name) ? command.getOptionValue(name) : undefined;
  refuseQuestions(value, scheduler);

  const isWindows = scheduler === 'task-scheduler';
  const options = given.flatMap((option) =>
    optionWords(option, command.getOptionValue(option.attributeName()), isWindows),
  );
  const has = (name: string) => command.options.some((option) => option.attributeName() === name);
  const needsFolder = has('out') && value('out') === undefined;
  const mustBeAlone = has('alone') && value('everyone') !== true && value('alone') !== true;
  return {
    verb,
    words: [
      text(verb),
      ...command.args.map(text),
      ...options,
      ...(needsFolder ? [text('--out'), { kind: 'folder' } as const] : []),
      ...(mustBeAlone ? [text('--alone')] : []),
      // the next one may come a random delay later than after a day, and is to go on with this one all the same
      ...(has('resumeWithin') && value('resumeWithin') === undefined ? [text('--resume-within'), text('2d')] : []),
      ...(value('progress') === undefined ? [text('--no-progress')] : []),
    ],
    writesTo: [...new Set(foldersWritten(value, isWindows))],
  };
}

function text(word: string): Word {
  return { kind: 'text', text: word };
}

/** Reads the words as the command itself would, and does nothing. */
async function parsed(verb: string, words: readonly string[], load: LoadCommand): Promise<Command> {
  const [command] = await load(verb);
  if (command === undefined) throw new MsmqCertError('internal', `the command ${verb} cannot be loaded`);
  try {
    const silent = command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} });
    return await silent.action(() => {}).parseAsync([...words], { from: 'user' });
  } catch (cause) {
    if (!(cause instanceof CommanderError)) throw cause;
    throw new MsmqCertError('usage', `${verb} cannot be run like this: ${cause.message.replace(/^error: /, '')}`, {
      hint: `msmq-cert ${verb} --help shows what it takes`,
      cause,
    });
  }
}

function optionWords(option: Option, value: unknown, isWindows: boolean): Word[] {
  const { long } = option;
  const name = option.attributeName();
  if (long === undefined || long === null) return [];
  if (typeof value === 'boolean') return [text(long)];
  const raws = rawValues(option, value);
  return raws.flatMap((raw): Word[] => {
    const path = pathIn(option, raw, isWindows);
    const secret = SECRETS[name];
    if (secret !== undefined) return [text(long), { kind: 'secret', name: secret, file: path }];
    return option.optional || path.startsWith('-') ? [text(`${long}=${path}`)] : [text(long), text(path)];
  });
}

/** Durations were read as milliseconds, which every option for one takes too. */
function rawValues({ flags }: Option, value: unknown): string[] {
  const isDuration = /<duration>|\[duration\]/.test(flags);
  return (Array.isArray(value) ? value : [value]).map((each) => (isDuration ? durationText(each) : String(each)));
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

function durationText(value: unknown): string {
  const milliseconds = Number(value);
  const [unit, length] = UNITS.find(([, each]) => milliseconds % each === 0) ?? ['ms', 1];
  return `${milliseconds / length}${unit}`;
}

function pathIn({ flags, long }: Option, value: string, isWindows: boolean): string {
  if (long === '--directory' && value.startsWith('ldif:')) return `ldif:${absolute(value.slice(5), isWindows)}`;
  if (!/<(file|dir|pem)>/.test(flags)) return value;
  if (value !== '-') return absolute(value, isWindows);
  throw new MsmqCertError('usage', `${long} is to read standard input, which a scheduled command does not have`, {
    hint: 'name a file',
  });
}

function absolute(path: string, isWindows: boolean): string {
  return isWindows && win32.isAbsolute(path) ? path : resolve(path);
}

function foldersWritten(value: (name: string) => unknown, isWindows: boolean): string[] {
  const { dirname: folderOf } = isWindows ? win32 : { dirname };
  const paths = OUTPUTS.map(value).filter((each) => typeof each === 'string');
  const directory = value('directory');
  const ldif = typeof directory === 'string' && directory.startsWith('ldif:') ? [directory.slice(5)] : [];
  const out = value('out');
  return [
    ...(typeof out === 'string' ? [absolute(out, isWindows)] : []),
    ...[...paths, ...ldif].map((path) => folderOf(absolute(path, isWindows))),
  ];
}

/** @throws MsmqCertError usage when the command would have to ask, or depends on who starts it */
function refuseQuestions(value: (name: string) => unknown, scheduler: Scheduler): void {
  const directory = value('directory');
  if (value('config') !== undefined) return;
  if (typeof directory !== 'string') {
    throw new MsmqCertError('usage', 'the command names no directory, and nobody sets MSMQ_CERT_DIRECTORY for it', {
      hint: 'give --directory or --config after --',
    });
  }
  const auth = value('auth') ?? 'simple';
  const isAsked = auth === 'simple' && value('passwordFile') === undefined && !directory.startsWith('ldif:');
  if (value('passwordStdin') === true || (isAsked && scheduler !== 'task-scheduler')) {
    throw new MsmqCertError('usage', 'there is nobody whom a scheduled command could ask for the password', {
      hint: 'give --password-file, a file that only its reader can open, or --auth kerberos and before -- a --keytab',
    });
  }
}

const ASSIGNED = /^\w*(?:password|passphrase|passwd|secret|token)\w*=/i;
const IN_ADDRESS = /^\w+:\/\/[^/@\s]*:[^/@\s]+@/;
/** A word for a secret, and what is no variable after it. */
const IN_HOOK = /(?:pass(?:word|phrase|wd)?|pwd|secret|token|api-?key)["']?(?:\s*[=:]\s*|\s+)["']?[^\s"'$%-]/i;

/** @throws MsmqCertError usage; the message does not repeat it */
function refuseSecrets(words: readonly string[]): void {
  const index = words.findIndex(
    (word, at) => ASSIGNED.test(word) || IN_ADDRESS.test(word) || (isHook(word, words[at - 1]) && IN_HOOK.test(word)),
  );
  if (index < 0) return;
  throw new MsmqCertError('usage', `the command line seems to hold a secret, in its word ${index + 1}`, {
    hint: 'a schedule can be read by others: keep the secret in a file, as for --password-file',
  });
}

function isHook(word: string, before: string | undefined): boolean {
  return before === '--deploy-hook' || word.startsWith('--deploy-hook=');
}
