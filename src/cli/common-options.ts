import type { Command, Option } from 'commander';
import type { CommandOption } from '../advice.ts';

/** The options that lead to the same directory in the same way. Not among them: what only one run has, as a password on standard input. */
const COMMON = [
  ...['--directory', '--auth', '--bind', '--password-file', '--ca-file', '--tls-fingerprint', '--client-cert'],
  ...['--client-key', '--dns-server', '--site', '--base-dn', '--domain', '--timeout', '--subject'],
  ...['--machine-of', '--machines-from'],
  ...['--max-certificates', '--config', '--database'],
];

/** Those of them that were given as flags: what the environment or a configuration file says holds for every command. */
export function commonOptionsOf(command: Command): CommandOption[] {
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
