import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { Command, CommanderError, type Option } from 'commander';
import { type CommandOption, setCommonOptions } from '../advice.ts';
import { MsmqCertError } from '../errors.ts';
import { commandsFor, isName } from './commands.ts';
import { exitCodeHelp, exitCodes } from './exit-codes.ts';
import { formatHelp } from './help.ts';
import { type Form, printError, printFailure, printJson } from './output.ts';
import { packageVersion } from './package-root.ts';
import { watchPipes } from './pipes.ts';
import { endOnSignals } from './running/interrupts.ts';
import { print, tell } from './terminal.ts';

/** Runs the command line of this process and leaves its exit code. */
export async function main(): Promise<void> {
  // Keys are made in the thread pool, which has four threads unless it is told otherwise before its first use.
  process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(4, availableParallelism() + 2));
  limitHeap();
  // What this tool writes is for its owner only, unless a file says otherwise.
  process.umask(0o077);
  watchPipes();
  endOnSignals();
  forgetEmptyVariables();
  const words = helpWords(process.argv.slice(2));
  try {
    refuseUnsafe(words);
    await (await program(words)).parseAsync(words, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) endWith(error, words);
    else printFailure(error, { form: formFor(words), verbose: asksFor('verbose', words) });
  }
}

/**
 * Young objects get no more room than they have once all is loaded: most die at once, and V8 would take up to 96 MB for
 * them, which it never gives back. Old ones are looked through when they have grown by a third, where V8 would let garbage
 * double them: with a manifest of a million rows that is 110 MB less in the same time. A version that does not know a
 * setting would complain of it.
 */
function limitHeap(): void {
  if (Number.parseInt(process.versions.node, 10) > 24) return;
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=30');
}

/** The command that runs, once the command line is read. */
let acting: Command | null = null;

async function program(words: readonly string[]): Promise<Command> {
  const all = new Command('msmq-cert')
    .description(
      'Registers, renews and cleans up MSMQ user certificates in Active Directory, without anybody logging on.',
    )
    .version(packageVersion(), '-V, --version')
    .helpCommand('help [command]', 'show what a command does and takes')
    .hook('preAction', (_all, command) => {
      setCommonOptions(commonOptionsOf(command));
      acting = command;
    });
  for (const command of await commandsFor(words, hasConfig(words))) all.addCommand(command);
  prepare(
    all,
    asksFor('json', words) ? (text) => printJson({ schema: 1, help: text }) : (text) => print(linesOf(text)),
  );
  return all;
}

/** Commander answers wrong usage with exit code 1 by itself; scripts are promised 2. */
function prepare(command: Command, writeOut: (text: string) => void): void {
  command
    .exitOverride()
    .showHelpAfterError('(--help shows what is possible)')
    .configureHelp({ formatHelp })
    .configureOutput({ writeOut, writeErr: (text) => tell(...linesOf(text)) })
    .addHelpText('after', `\n${exitCodeHelp()}`);
  for (const each of command.commands) prepare(each, writeOut);
}

/** What Commander writes are whole lines. */
function linesOf(text: string): string[] {
  return text.replace(/\n$/, '').split('\n');
}

/** Options without a value, which a variable of one of these values does not set. */
const SWITCHES = ['MSMQ_CERT_JSON', 'MSMQ_CERT_QUIET', 'MSMQ_CERT_VERBOSE', 'MSMQ_CERT_NO_PROGRESS'];
const OFF = ['0', 'false', 'no', 'off'];

/** A pipeline that has nothing to say about an option often sets its variable to nothing. */
function forgetEmptyVariables(): void {
  for (const [name, value = ''] of Object.entries(process.env)) {
    // an empty password is refused, for a bind with it proves nothing
    if (name === 'MSMQ_CERT_PASSWORD') continue;
    const isOff = SWITCHES.includes(name) && OFF.includes(value.toLowerCase());
    if (isOff || (name.startsWith('MSMQ_CERT_') && value === '')) delete process.env[name];
  }
}

/** `help register` is `register --help`, and `--help-all` is a help that shows more. */
function helpWords(words: string[]): string[] {
  const [first, ...rest] = words;
  if (first === '--version' || first === '-V') return ['version', ...rest];
  if (first === 'help' && rest[0]?.startsWith('-')) return ['--help', ...rest];
  if (first !== 'help' || rest.length === 0) return words.map((word) => (word === '--help-all' ? '--help' : word));
  return isName(rest[0]) ? [...rest, '--help'] : rest;
}

function hasConfig(words: readonly string[]): boolean {
  const isNamed = words.some((word) => word === '--config' || word.startsWith('--config='));
  return isNamed || process.env['MSMQ_CERT_CONFIG'] !== undefined;
}

/** Also where the command line could not be read to its end, and where only a configuration file says so. */
function asksFor(option: 'json' | 'ndjson' | 'verbose', words: readonly string[]): boolean {
  const isSet =
    process.env[`MSMQ_CERT_${option.toUpperCase()}`] !== undefined || acting?.getOptionValue(option) === true;
  return isSet || words.includes(`--${option}`);
}

function formFor(words: readonly string[]): Form {
  if (asksFor('json', words)) return 'json';
  return asksFor('ndjson', words) ? 'ndjson' : 'text';
}

/** What other tools call by these names is not to be had here, for a reason. */
const unsafe = new Map([
  [
    '--password',
    {
      message: 'there is no --password: everybody on this machine can read the arguments of a program',
      hint: 'give --password-file or --password-stdin, set MSMQ_CERT_PASSWORD, or run msmq-cert login once',
    },
  ],
  [
    '--insecure',
    {
      message: 'there is no --insecure: TLS is always verified',
      hint: "give the domain's authority with --ca-file, or pin the server's certificate with --tls-fingerprint",
    },
  ],
]);

function refuseUnsafe(words: readonly string[]): void {
  for (const word of words) {
    const known = unsafe.get(word.replace(/=.*/s, ''));
    if (known !== undefined) throw new MsmqCertError('usage', known.message, { hint: known.hint });
  }
}

/** The message is on standard error already; a script that asked for JSON gets its document all the same. */
function endWith(error: CommanderError, words: readonly string[]): void {
  process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.wrongUsage;
  if (error.exitCode === 0) return;
  // where a command is missing Commander shows the help and says nothing
  const said = error.code === 'commander.help' ? 'no command is named' : error.message;
  const message = said.replace(/^error: /, '').trim();
  printError(new MsmqCertError('usage', message, { hint: '--help shows what is possible' }), formFor(words));
}

/** The options that lead to the same directory in the same way. Not among them: what only one run has, as a password on standard input. */
const COMMON = [
  ...['--directory', '--auth', '--bind', '--password-file', '--ca-file', '--tls-fingerprint', '--client-cert'],
  ...['--client-key', '--dns-server', '--site', '--base-dn', '--domain', '--timeout', '--subject'],
  ...['--machine-of', '--machines-from'],
  ...['--max-certificates', '--config', '--database'],
];

/** Those of them that were given as flags: what the environment or a configuration file says holds for every command. */
function commonOptionsOf(command: Command): CommandOption[] {
  const given = command.options.filter(
    (option) => COMMON.includes(option.long ?? '') && command.getOptionValueSource(option.attributeName()) === 'cli',
  );
  return given.flatMap((option) => valuesOf(command, option).map((value) => [nameOf(option), value] as const));
}

function nameOf({ long }: Option): `--${string}` {
  return `--${long?.slice(2) ?? ''}`;
}

function valuesOf(command: Command, option: Option): string[] {
  const value: unknown = command.getOptionValue(option.attributeName());
  if (Array.isArray(value)) return value.map(String);
  return [option.long === '--timeout' ? `${String(value)}ms` : String(value)];
}
