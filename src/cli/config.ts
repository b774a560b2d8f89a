import { dirname, resolve } from 'node:path';
import type { Command, Option } from 'commander';
import * as z from 'zod';
import { MsmqCertError } from '../errors.ts';
import { readText } from '../files/read-file.ts';

const defaultsSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]));

const configSchema = z
  .object({ profiles: z.record(z.string(), defaultsSchema).default({}) })
  .catchall(z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]));

type Defaults = z.infer<typeof defaultsSchema>;

/**
 * Sets what stands neither on the command line nor in the environment from a configuration file: a JSON object with the
 * long names of options as keys, and with `profiles`, an object of such objects, of which `profile` names one. Paths in
 * it are relative to the file.
 * @throws MsmqCertError invalid-config
 */
export async function applyConfig(command: Command, file: string, profile: string | undefined): Promise<void> {
  for (const [name, value] of Object.entries(await readDefaults(file, profile))) {
    const option = optionOf(command, name);
    if (option !== undefined) setDefault(command, option, value, dirname(file));
    else if (!hasOption(rootOf(command), name)) throw unknownOption(file, name);
  }
}

async function readDefaults(file: string, profile: string | undefined): Promise<Defaults> {
  const { profiles, ...shared } = parse(await read(file), file);
  if (profile === undefined) return shared;
  const chosen = profiles[profile];
  if (chosen !== undefined) return { ...shared, ...chosen };
  const names = Object.keys(profiles);
  throw new MsmqCertError('invalid-config', `the configuration file ${file} has no profile ${profile}`, {
    hint: names.length === 0 ? 'add it to "profiles" there' : `it has ${names.join(', ')}`,
  });
}

async function read(file: string): Promise<string> {
  return await readText(file, `the configuration file ${file}`, {
    code: 'invalid-config',
    hint: 'name a plain file that this account may read',
    missing: { message: `there is no configuration file ${file}`, hint: 'check --config and MSMQ_CERT_CONFIG' },
  });
}

function parse(text: string, file: string): z.infer<typeof configSchema> {
  const hint = 'write a JSON object such as {"directory": "ldaps://dc1.corp.example", "ca-file": "ca.pem"}';
  try {
    return configSchema.parse(JSON.parse(text));
  } catch (cause) {
    const where = cause instanceof z.ZodError ? `at ${cause.issues[0]?.path.join('.') || 'its top'}` : 'it is no JSON';
    throw new MsmqCertError('invalid-config', `the configuration file ${file} is broken: ${where}`, { hint, cause });
  }
}

function optionOf(command: Command, name: string): Option | undefined {
  return command.options.find(({ long }) => long === `--${name}` || long === `--no-${name}`);
}

function setDefault(command: Command, option: Option, value: Defaults[string], folder: string): void {
  const key = option.attributeName();
  const source = command.getOptionValueSource(key);
  if (source !== undefined && source !== 'default') return;
  command.setOptionValueWithSource(key, configured(option, value, folder), 'config');
}

function configured(option: Option, value: Defaults[string], folder: string): unknown {
  if (typeof value === 'boolean') return value;
  const { parseArg } = option;
  const texts = (Array.isArray(value) ? value : [value]).map((each) => pathIn(folder, option, String(each)));
  if (parseArg === undefined) return texts.at(-1);
  return texts.reduce<unknown>((previous, text) => parseArg(text, previous), undefined);
}

/** The value of an option that names a file, seen from the folder of the configuration file; `-` is standard input. */
function pathIn(folder: string, option: Option, text: string): string {
  if (option.long === '--directory' && text.startsWith('ldif:')) return `ldif:${resolve(folder, text.slice(5))}`;
  return /<(file|dir|pem)>/.test(option.flags) && text !== '-' ? resolve(folder, text) : text;
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}

/** One file serves all commands: an option of another command is no mistake. */
function hasOption(command: Command, name: string): boolean {
  return optionOf(command, name) !== undefined || command.commands.some((each) => hasOption(each, name));
}

function unknownOption(file: string, name: string): MsmqCertError {
  return new MsmqCertError('invalid-config', `the configuration file ${file} has the unknown option ${name}`, {
    hint: 'use the long names of the options without the dashes',
  });
}
