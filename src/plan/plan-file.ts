import { createHash } from 'node:crypto';
import * as z from 'zod';
import { identifierText } from '../blob/identifier.ts';
import { pairKey } from '../blob/pair.ts';
import { type ErrorCode, MsmqCertError } from '../errors.ts';
import type { Registered } from '../judge/state.ts';
import { jsonList, type PackedList, type Sequence } from '../packed/packed-list.ts';
import type { UserPlan } from './plan.ts';
import { partsOf } from './plan-parts.ts';
import { keySettingsSchema, verbSchema, type Wanted, wantedSchema } from './request.ts';

/** What a plan file can say of one entry: enough to find it again, nothing secret. */
const entrySchema = z.object({
  digest: z.string(),
  identifier: z.string(),
  machine: z.string().nullable(),
  reason: z.string(),
});

/** The codes of what speaks against a plan before somebody confirms it. */
const refusalCodes = [
  'confirmation-needed',
  'too-many-removals',
  'machines-unknown',
] as const satisfies readonly ErrorCode[];

const refusalSchema = z.object({ code: z.enum(refusalCodes), message: z.string(), hint: z.string().nullable() });

const plannedUserSchema = z.object({
  user: z.object({
    account: z.string(),
    dn: z.string(),
    sid: z.string().nullable(),
    guid: z.string().nullable(),
    protected: z.boolean(),
  }),
  wanted: z.array(wantedSchema),
  /** SHA-256 over the pair that the plan was made from. */
  base: z.hex().length(64),
  keep: z.array(entrySchema),
  remove: z.array(entrySchema),
  add: z.array(wantedSchema.extend({ replaces: z.string().nullable(), reason: z.string() })),
  unchanged: z.array(z.object({ machine: z.string().nullable(), digest: z.string().nullable() })),
  failed: z.array(z.object({ machine: z.string().nullable(), code: z.string(), message: z.string() })),
  /** What must be confirmed when the plan is carried out; null when nothing must. Older plans do not have it. */
  refusal: refusalSchema.nullable().optional(),
});

const errorSchema = z.object({ user: z.string(), code: z.string(), message: z.string() });

const headSchema = z.object({
  kind: z.literal('msmq-cert plan'),
  schema: z.literal(1),
  createdAt: z.string(),
  /** NetBIOS name of the domain that it was made for. */
  domain: z.string(),
  request: verbSchema,
  keys: keySettingsSchema,
});

export type PlannedUser = z.infer<typeof plannedUserSchema>;
export type PlanError = z.infer<typeof errorSchema>;

/** Its users are held as bytes where there can be many. */
export type PlanFile = z.infer<typeof headSchema> & { users: Sequence<PlannedUser>; errors: Sequence<PlanError> };

const LISTS: ReadonlySet<string> = new Set(['users', 'errors']);

/**
 * The plan as a file, piece by piece: readable JSON with a checksum over it, so that a plan changed by hand is noticed.
 */
export function* writePlan({ users, errors, ...head }: PlanFile): Generator<string> {
  const checksum = bodyChecksum();
  yield '{\n';
  for (const [key, value] of Object.entries(head)) {
    checksum.value(key, value);
    yield `  ${JSON.stringify(key)}: ${indented(value, 2)},\n`;
  }
  for (const [key, list] of Object.entries({ users, errors })) {
    let isFirst = true;
    yield `  ${JSON.stringify(key)}: [`;
    for (const element of list) {
      checksum.element(key, element);
      yield `${isFirst ? '' : ','}\n    ${indented(element, 4)}`;
      isFirst = false;
    }
    checksum.endList(key);
    yield isFirst ? '],\n' : '\n  ],\n';
  }
  yield `  "checksum": ${JSON.stringify(checksum.end())}\n}\n`;
}

function indented(value: unknown, by: number): string {
  return JSON.stringify(value, null, 2).replaceAll('\n', `\n${' '.repeat(by)}`);
}

/** SHA-256 over the compact JSON of what a plan holds, in its order, but for the checksum. */
function bodyChecksum() {
  const sha256 = createHash('sha256').update('{');
  let isFirst = true;
  let openList: string | null = null;
  const begin = (key: string) => {
    sha256.update(`${isFirst ? '' : ','}${JSON.stringify(key)}:`);
    isFirst = false;
  };
  return {
    value(key: string, value: unknown): void {
      begin(key);
      sha256.update(JSON.stringify(value));
    },
    element(key: string, value: unknown): void {
      if (openList === null) begin(key);
      sha256.update(`${openList === null ? '[' : ','}${JSON.stringify(value)}`);
      openList = key;
    },
    endList(key: string): void {
      if (openList === null) begin(key);
      sha256.update(openList === null ? '[]' : ']');
      openList = null;
    },
    end: () => sha256.update('}').digest('hex'),
  };
}

/**
 * Reads a plan file, piece by piece.
 * @throws MsmqCertError invalid-plan
 */
export function readPlan(pieces: Iterable<string>, file: string): PlanFile {
  const users = jsonList<PlannedUser>();
  const errors = jsonList<PlanError>();
  const head: Record<string, unknown> = {};
  const checksum = bodyChecksum();
  const ended = new Set<string>();
  let isSound = true;
  const take = <T>(schema: z.ZodType<T>, list: PackedList<T>, value: unknown) => {
    const checked = schema.safeParse(value);
    if (checked.success) list.push(checked.data);
    else isSound = false;
  };
  for (const part of parsedParts(pieces, file)) {
    if (part.kind === 'list-end') {
      checksum.endList(part.key);
      ended.add(part.key);
    } else if (part.kind === 'element') {
      checksum.element(part.key, part.value);
      if (part.key === 'users') take(plannedUserSchema, users, part.value);
      else take(errorSchema, errors, part.value);
    } else {
      if (part.key !== 'checksum') checksum.value(part.key, part.value);
      head[part.key] = part.value;
    }
  }
  checkVersion(head, file);
  const checked = headSchema.safeParse(head);
  if (!checked.success || !isSound || ended.size < LISTS.size || head['checksum'] !== checksum.end()) {
    throw invalid(file, 'was changed after it was made', 'make the plan anew instead of editing it');
  }
  return { ...checked.data, users, errors };
}

function checkVersion({ kind, schema }: Record<string, unknown>, file: string): void {
  if (kind !== 'msmq-cert plan') throw invalid(file, 'is no plan', 'msmq-cert plan … --out makes one');
  if (schema === 1) return;
  throw invalid(
    file,
    `is of version ${String(schema)}, which this msmq-cert does not know`,
    'use the version that made it',
  );
}

type ParsedPart = { kind: 'value' | 'element'; key: string; value: unknown } | { kind: 'list-end'; key: string };

function* parsedParts(pieces: Iterable<string>, file: string): Generator<ParsedPart> {
  const parts = partsOf(pieces, LISTS);
  try {
    for (const part of parts) {
      if (part.kind === 'list-end') yield part;
      else yield { kind: part.kind, key: part.key, value: JSON.parse(part.text) };
    }
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new MsmqCertError('invalid-plan', `${file} is no plan`, { hint: 'msmq-cert plan … --out makes one', cause });
  }
}

function invalid(file: string, problem: string, hint: string): MsmqCertError {
  return new MsmqCertError('invalid-plan', `the plan ${file} ${problem}`, { hint });
}

/** The line of a plan file for one user. */
export function plannedUser(plan: UserPlan, wanted: readonly Wanted[]): PlannedUser {
  const entries = (action: 'keep' | 'delete') =>
    plan.items.flatMap((item) => (item.action === action ? [entryOf(item.registered, item.reason)] : []));
  return {
    user: plan.user,
    wanted: [...wanted],
    base: pairKey(plan.before),
    keep: entries('keep'),
    remove: entries('delete'),
    add: plan.items.flatMap((item) => (item.action === 'add' ? [{ ...item.addition, reason: item.reason }] : [])),
    unchanged: plan.verdicts.flatMap((verdict) =>
      verdict.kind === 'unchanged' ? [{ machine: verdict.machine, digest: verdict.digest }] : [],
    ),
    failed: plan.verdicts.flatMap((verdict) =>
      verdict.kind === 'failed'
        ? [{ machine: verdict.machine, code: verdict.error.code, message: verdict.error.message }]
        : [],
    ),
    refusal: plan.refusal && refusalFacts(plan.refusal),
  };
}

function refusalFacts({ code, message, hint }: MsmqCertError): z.infer<typeof refusalSchema> {
  return { code: refusalCodes.find((each) => each === code) ?? 'confirmation-needed', message, hint: hint ?? null };
}

function entryOf({ digest, entry, machine }: Registered, reason: string) {
  return { digest, identifier: identifierText(entry.identifier), machine, reason };
}
