import * as z from 'zod';

/**
 * What a run was asked to do, as plain data: journals and plan files hold it, so that the run can be taken up again.
 * What differs from user to user is in the targets.
 */
export type Request = z.infer<typeof requestSchema>;

export type Verb = z.infer<typeof verbSchema>;

const machines = z.array(z.string()).nullable();

const scopeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('broken') }),
  z.object({ kind: z.literal('expiring'), withinMs: z.number(), nowMs: z.number() }),
  z.object({ kind: z.literal('broken-or-expiring'), withinMs: z.number(), nowMs: z.number() }),
  z.object({ kind: z.literal('all') }),
]);

const pruneSchema = z.object({
  verb: z.literal('prune'),
  expired: z.boolean(),
  /** Entries whose successor has been valid for this long; null for none. */
  supersededForMs: z.number().nullable(),
  machineGone: z.boolean(),
  machineInactiveMs: z.number().nullable(),
  machines: z.array(z.string()),
  digests: z.array(z.string()),
  keepNewest: z.number().nullable(),
  /** More than so many removals a user, or more than half of what he has, must be confirmed. */
  maxRemovals: z.number(),
  confirmed: z.boolean(),
  includeComputers: z.boolean(),
});

export type PruneRequest = z.infer<typeof pruneSchema>;

const verbs = [
  z.object({ verb: z.literal('register'), mode: z.enum(['if-not-exists', 'always']) }),
  z.object({ verb: z.literal('renew'), scope: scopeSchema, machines, overlap: z.boolean(), retire: z.boolean() }),
  z.object({ verb: z.literal('replace'), machines, overlap: z.boolean(), retire: z.boolean() }),
  z.object({ verb: z.literal('repair'), salvage: z.boolean(), confirmed: z.boolean() }),
  pruneSchema,
  z.object({ verb: z.literal('clear'), confirmed: z.boolean(), includeComputers: z.boolean() }),
] as const;

/** The requests that compute what is wanted from the state of a user alone. */
export const verbSchema = z.discriminatedUnion('verb', verbs);

export const requestSchema = z.discriminatedUnion('verb', [
  ...verbs,
  /** Exactly what a plan file says; `replan` plans users anew that were changed since. */
  z.object({ verb: z.literal('apply'), plan: z.string(), replan: z.boolean(), confirmed: z.boolean().default(false) }),
  /** Puts back what the run of a journal found. */
  z.object({ verb: z.literal('undo'), journal: z.string() }),
  /** Puts back what a backup holds. */
  z.object({ verb: z.literal('restore'), file: z.string(), confirmed: z.boolean() }),
]);

/** One certificate that a user shall get: only `register` has these. */
export const wantedSchema = z.object({
  machine: z.string().nullable(),
  source: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('new-key') }),
    z.object({
      kind: z.literal('external'),
      file: z.string(),
      digest: z.string(),
      bytes: z.number(),
      /** What the file holds, where it is not at hand. */
      content: z.base64().optional(),
    }),
  ]),
  /** Milliseconds; null for the run's default. */
  validForMs: z.number().nullable(),
});

export type Wanted = z.infer<typeof wantedSchema>;

/** What is wanted for one user, by any of the names that a directory knows. */
export interface Target {
  name: string;
  wanted: Wanted[];
}

/** Everybody below a base DN, in place of targets. */
export const everyoneSchema = z.object({
  baseDn: z.string().nullable(),
  /** An LDAP filter that they must match besides. */
  filter: z.string().nullable(),
  /** Whether computers and service accounts are among them. */
  includeComputers: z.boolean(),
  /** At most so many certificates in the whole run, those that end first. */
  limit: z.number().nullable(),
});

export type Everyone = z.infer<typeof everyoneSchema>;

/** One of the parts that all users are divided into. */
export const shardSchema = z
  .object({ index: z.int().positive(), count: z.int().positive() })
  .refine(({ index, count }) => index <= count);

/** What becomes of new keys that are not to lie in key files. */
export const handoverSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('sealed'),
    /** Where the recipient's certificate was read from, for messages. */
    file: z.string(),
    /** DER. */
    certificate: z.base64(),
    padding: z.enum(['oaep', 'pkcs1']),
  }),
  z.object({ kind: z.literal('sink'), command: z.string() }),
]);

export type HandoverRecord = z.infer<typeof handoverSchema>;

/** How the keys of the run are made; a resumed run makes them alike. */
export const keySettingsSchema = z.object({
  out: z.string(),
  keySize: z.literal([2048, 3072, 4096]),
  hash: z.enum(['sha1', 'sha256', 'sha384', 'sha512']),
  validFor: z.number(),
  pfxEncryption: z.enum(['TripleDES_SHA1', 'AES256_SHA256']),
  passphraseFile: z.string().nullable(),
  /** Without it they are written as key files. */
  handover: handoverSchema.optional(),
  maxCertificates: z.number(),
  /** Subject templates by which certificates are recognised; the first is that of new ones, none the default. */
  subjects: z.array(z.string()),
  /** The machines of certificates that were stated, by digest. */
  machinesOf: z.record(z.string(), z.string()),
});

export type KeySettingsRecord = z.infer<typeof keySettingsSchema>;
