import * as z from 'zod';
import { toHex } from '../blob/digest.ts';
import type { Pair } from '../blob/pair.ts';
import { everyoneSchema, keySettingsSchema, requestSchema, shardSchema, wantedSchema } from '../plan/request.ts';

/**
 * The lines of a journal: NDJSON, only ever appended to. The first line says what run this is; the targets follow; then,
 * around each swap, what is about to be written over what, and how it went. No line holds a secret.
 */

const bytes = z.base64();
const digests = z.array(z.hex().length(32));

const userSchema = z.object({
  account: z.string(),
  dn: z.string(),
  sid: z.string().nullable(),
  guid: z.string().nullable(),
  protected: z.boolean(),
});

const pairSchema = z.object({ blob: bytes.nullable(), digests });

/** A key sink has what is null. */
const filesSchema = z.object({
  pfx: z.string().nullable(),
  certificate: z.string(),
  passphrase: z.string().nullable(),
});

const sha256 = z.hex().length(64);
const custodySchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('sealed'),
    recipient: sha256,
    padding: z.enum(['oaep', 'pkcs1']),
    /** Over the sealed files. */
    pfx: sha256,
    passphrase: sha256,
  }),
  z.object({ kind: z.literal('sink') }),
]);

/** What becomes of one certificate, as the results of the run state it. */
const itemSchema = z.object({
  machine: z.string().nullable(),
  action: z.enum(['added', 'replaced', 'removed', 'unchanged', 'failed']),
  digest: z.string().nullable(),
  identifier: z.string().nullable(),
  replacedDigest: z.string().nullable(),
  files: filesSchema.nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
});

export const recordSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('run'),
    schema: z.literal(1),
    run: z.string(),
    at: z.string(),
    by: z.string(),
    bind: z.string().nullable(),
    server: z.string(),
    directory: z.string(),
    /** Equal for two runs that were asked for the same; see {@link fingerprintOf}. */
    fingerprint: z.string(),
    request: requestSchema,
    keys: keySettingsSchema,
    /** Whom it is for when there are no targets. */
    everyone: everyoneSchema.optional(),
    /** The part of the users that it is for; not there for all. */
    shard: shardSchema.optional(),
    /** The run of a queue that it is the part of one worker of. */
    queued: z.string().optional(),
    /** Whether what it registers is to be delivered too. */
    delivers: z.boolean().optional(),
  }),
  z.object({ type: z.literal('target'), name: z.string(), wanted: z.array(wantedSchema) }),
  z.object({ type: z.literal('targets-complete'), at: z.string() }),
  z.object({
    type: z.literal('resumed'),
    at: z.string(),
    by: z.string(),
    server: z.string(),
    delivers: z.boolean().optional(),
  }),
  /** Before the files of a key set are made. */
  z.object({
    type: z.literal('key'),
    at: z.string(),
    user: userSchema,
    machine: z.string(),
    /** Of its certificate. */
    digest: z.hex().length(32),
    files: filesSchema,
    /** How its key is kept, when not in key files. */
    custody: custodySchema.optional(),
  }),
  /** A key sink has said that it has the key. */
  z.object({ type: z.literal('key-taken'), at: z.string(), user: z.string(), digest: z.hex().length(32) }),
  /** Before they are removed, or given other names: nobody uses them from here on. */
  z.object({ type: z.literal('key-dropped'), at: z.string(), user: z.string(), digest: z.hex().length(32) }),
  z.object({
    type: z.literal('intent'),
    at: z.string(),
    /** The server that the write goes to. */
    server: z.string(),
    user: userSchema,
    before: pairSchema,
    /** SHA-256 over the pair as it will stand: see {@link pairKey}. */
    after: z.hex().length(64),
    digestsAdded: digests,
    digestsRemoved: digests,
    items: z.array(itemSchema),
  }),
  z.object({
    type: z.literal('outcome'),
    at: z.string(),
    user: z.string(),
    outcome: z.enum(['swapped', 'conflict', 'refused']),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
  }),
  z.object({
    type: z.literal('hook'),
    at: z.string(),
    user: z.string(),
    machine: z.string().nullable(),
    digest: z.string().nullable(),
    outcome: z.enum(['done', 'failed']),
    status: z.string(),
    output: z.string(),
  }),
  /** Somebody puts back what the run found: nobody goes on with it. */
  z.object({ type: z.literal('undone'), at: z.string(), by: z.string() }),
  z.object({ type: z.literal('end'), at: z.string(), summary: z.record(z.string(), z.number()) }),
]);

export type JournalRecord = z.infer<typeof recordSchema>;
export type RecordOf<T extends JournalRecord['type']> = Extract<JournalRecord, { type: T }>;
export type JournalItem = z.infer<typeof itemSchema>;

export function pairRecord(pair: Pair): z.infer<typeof pairSchema> {
  const blob = pair.blob === null ? null : Buffer.from(pair.blob).toString('base64');
  return { blob, digests: pair.digests.map(toHex) };
}

export function pairFrom({ blob, digests }: z.infer<typeof pairSchema>): Pair {
  return {
    blob: blob === null ? null : Buffer.from(blob, 'base64'),
    digests: digests.map((digest) => Buffer.from(digest, 'hex')),
  };
}
