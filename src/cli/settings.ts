import type { Command } from 'commander';
import * as z from 'zod';
import { MsmqCertError } from '../errors.ts';
import { shardSchema } from '../plan/request.ts';
import { applyConfig } from './config.ts';

const text = z.string().optional();

const output = z.object({
  json: z.boolean().default(false),
  quiet: z.boolean().default(false),
  verbose: z.boolean().default(false),
  progress: z.boolean().default(true),
});

/** How long ago a run may have begun that the same command goes on with, unless it is told otherwise. */
export const RESUME_WITHIN_MS = 24 * 60 * 60 * 1000;

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
  subject: z.array(z.string()).optional(),
  machineOf: z.array(z.string()).optional(),
  machinesFrom: text,
  maxCertificates: z.number(),
});

const run = directory.extend({
  usersFrom: text,
  everyone: z.boolean().default(false),
  filter: text,
  limit: z.number().optional(),
  alone: z.boolean().default(false),
  metricsFile: text,
  dryRun: z.boolean().default(false),
  ldif: text,
  yes: z.boolean().default(false),
  detailedExitcode: z.boolean().default(false),
  journal: text,
  resumeWithin: z.number().default(RESUME_WITHIN_MS),
  newRun: z.boolean().default(false),
  insecureFileSystem: z.boolean().default(false),
  concurrency: z.number(),
  database: text,
  shard: shardSchema.optional(),
  rate: z.number().optional(),
  failFast: z.boolean().default(false),
  maxFailures: z.number().optional(),
  ndjson: z.boolean().default(false),
  deployHook: text,
  hookTimeout: z.number().optional(),
  waitReplication: z.number().optional(),
});

/** What becomes of new keys. */
const handover = z.object({
  sealTo: text,
  sealPadding: z.enum(['oaep', 'pkcs1']).optional(),
  keySink: text,
});

const keys = run.extend({
  ...handover.shape,
  out: z.string().default('msmq-certs'),
  keySize: z.coerce.number().pipe(z.literal([2048, 3072, 4096])),
  validFor: z.number(),
  hash: z.enum(['sha1', 'sha256', 'sha384', 'sha512']),
  pfxEncryption: z.enum(['TripleDES_SHA1', 'AES256_SHA256']),
  passphraseFile: text,
});

/** Commands that give users new certificates for those that they have. */
const replacing = keys.extend({
  machine: z.array(z.string()).optional(),
  overlap: z.boolean().default(false),
  retire: z.boolean().default(false),
});

/** Commands that make no keys: of the settings for keys only the folder means anything to them. */
const cleaning = keys.extend({
  keySize: z.literal(2048).default(2048),
  validFor: z.number().default(0),
  hash: z.literal('sha256').default('sha256'),
  pfxEncryption: z.literal('TripleDES_SHA1').default('TripleDES_SHA1'),
});

/** The options of each kind of command, as the command line and the configuration file gave them. */
export const settings = { output, directory, run, handover, keys, replacing, cleaning };

export type OutputSettings = z.infer<typeof output>;
export type DirectorySettings = z.infer<typeof directory>;
export type RunSettings = z.infer<typeof run>;
export type HandoverSettings = z.infer<typeof handover>;
export type KeySettings = z.infer<typeof keys>;

/**
 * The checked options of a command. What stands neither on the command line nor in the environment is taken from the
 * configuration file, a JSON object with the long names of the options as keys.
 * @throws MsmqCertError invalid-config
 */
export async function readSettings<T>(command: Command, schema: z.ZodType<T>): Promise<T> {
  const { config, profile } = command.opts<{ config?: string; profile?: string }>();
  if (config !== undefined) await applyConfig(command, config, profile);
  else if (profile !== undefined) throw profileAlone(profile);
  const { json, ndjson } = command.opts<{ json?: boolean; ndjson?: boolean }>();
  if (json && ndjson) {
    throw new MsmqCertError('usage', '--json and --ndjson are both given: one document, or one a line', {
      hint: 'give one of them, and look at MSMQ_CERT_JSON and the configuration file too',
    });
  }
  const checked = schema.safeParse(command.opts());
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw new MsmqCertError('invalid-config', `the option ${issue?.path.join('.')} is wrong: ${issue?.message}`, {
    hint: `msmq-cert ${nameOf(command)} --help shows what it takes`,
  });
}

/** With the commands that it stands below, as in `plan register`. */
function nameOf(command: Command): string {
  const { parent } = command;
  return parent?.parent == null ? command.name() : `${nameOf(parent)} ${command.name()}`;
}

function profileAlone(profile: string): MsmqCertError {
  return new MsmqCertError('usage', `--profile ${profile} is given without a configuration file`, {
    hint: 'name the file that has it with --config or MSMQ_CERT_CONFIG',
  });
}
