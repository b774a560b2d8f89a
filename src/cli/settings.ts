import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import * as z from 'zod';
import { MsmqCertError } from '../errors.ts';

const text = z.string().optional();

const output = z.object({
  json: z.boolean().default(false),
  quiet: z.boolean().default(false),
  verbose: z.boolean().default(false),
  progress: z.boolean().default(true),
});

const directory = output.extend({
  directory: text,
  auth: z.enum(['simple', 'kerberos', 'external']).default('simple'),
  bind: text,
  passwordFile: text,
  passwordStdin: z.boolean().default(false),
  caFile: text,
  tlsFingerprint: text,
  clientCert: text,
  clientKey: text,
  dnsServer: z.array(z.string()).optional(),
  site: text,
  readFrom: z.enum(['pdc', 'near']).default('pdc'),
  baseDn: text,
  domain: text,
  timeout: z.number(),
  subject: text,
  maxCertificates: z.number(),
});

const mutation = directory.extend({
  usersFrom: text,
  dryRun: z.boolean().default(false),
  ldif: text,
  yes: z.boolean().default(false),
  detailedExitcode: z.boolean().default(false),
  journal: text,
  concurrency: z.number(),
  rate: z.number().optional(),
  failFast: z.boolean().default(false),
  maxFailures: z.number().optional(),
  ndjson: z.boolean().default(false),
  deployHook: text,
  hookTimeout: z.number().optional(),
  waitReplication: z.number().optional(),
});

const keys = mutation.extend({
  out: z.string(),
  keySize: z.coerce.number().pipe(z.literal([2048, 3072, 4096])),
  validFor: z.number(),
  hash: z.enum(['sha1', 'sha256', 'sha384', 'sha512']),
  pfxEncryption: z.enum(['TripleDES_SHA1', 'AES256_SHA256']),
  passphraseFile: text,
});

/** Commands that make no keys: of the settings for keys only the folder means anything to them. */
const cleaning = keys.extend({
  keySize: z.literal(2048).default(2048),
  validFor: z.number().default(0),
  hash: z.literal('sha256').default('sha256'),
  pfxEncryption: z.literal('TripleDES_SHA1').default('TripleDES_SHA1'),
});

/** The options of each kind of command, as the command line and the configuration file gave them. */
export const settings = { output, directory, mutation, keys, cleaning };

export type OutputSettings = z.infer<typeof output>;
export type DirectorySettings = z.infer<typeof directory>;
export type MutationSettings = z.infer<typeof mutation>;
export type KeySettings = z.infer<typeof keys>;

/**
 * The checked options of a command. What stands neither on the command line nor in the environment is taken from the
 * configuration file, a JSON object with the long names of the options as keys.
 * @throws MsmqCertError invalid-config
 */
export async function readSettings<T>(command: Command, schema: z.ZodType<T>): Promise<T> {
  const { config } = command.opts<{ config?: string }>();
  if (config !== undefined) applyConfig(command, config, await readConfig(config));
  const checked = schema.safeParse(command.opts());
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw new MsmqCertError('invalid-config', `the option ${issue?.path.join('.')} is wrong: ${issue?.message}`, {
    hint: `msmq-cert ${command.name()} --help shows what it takes`,
  });
}

async function readConfig(file: string): Promise<Record<string, unknown>> {
  const hint = 'give a JSON object such as {"directory": "ldaps://dc1.corp.example", "ca-file": "ca.pem"}';
  try {
    return z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    throw new MsmqCertError('invalid-config', `the configuration file ${file} cannot be used`, { hint, cause });
  }
}

function applyConfig(command: Command, file: string, config: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(config)) {
    const option = command.options.find((each) => each.long === `--${name}` || each.long === `--no-${name}`);
    if (option === undefined) {
      if (hasOption(rootOf(command), name)) continue;
      throw new MsmqCertError('invalid-config', `the configuration file ${file} has the unknown option ${name}`, {
        hint: 'use the long names of the options without the dashes',
      });
    }
    const key = option.attributeName();
    const source = command.getOptionValueSource(key);
    if (source !== undefined && source !== 'default') continue;
    const parsed = option.parseArg && typeof value === 'string' ? option.parseArg(value, undefined) : value;
    command.setOptionValueWithSource(key, parsed, 'config');
  }
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}

/** One file serves all commands: an option of another command is no mistake. */
function hasOption(command: Command, name: string): boolean {
  const isIts = command.options.some(({ long }) => long === `--${name}` || long === `--no-${name}`);
  return isIts || command.commands.some((each) => hasOption(each, name));
}
