import type { Command } from 'commander';
import * as z from 'zod';
import type { ObjectKind, Scope } from '../../directory/directory.ts';
import { MsmqCertError } from '../../errors.ts';
import { type FindingCode, findingCodes } from '../../judge/state.ts';
import { shardSchema } from '../../plan/request.ts';
import { readUserNames } from '../input.ts';
import { readSettings, settings } from '../settings.ts';

const auditSettings = settings.directory.extend({
  usersFrom: z.string().optional(),
  shard: shardSchema.optional(),
  filter: z.string().optional(),
  include: z.string().default(''),
  all: z.boolean().default(false),
  expiringWithin: z.number(),
  machineInactive: z.number(),
  failOn: z.string().default(''),
  ndjson: z.boolean().default(false),
  csv: z.string().optional(),
  html: z.string().optional(),
  metricsFile: z.string().optional(),
});

type Raw = z.infer<typeof auditSettings>;

export interface AuditSettings extends Omit<Raw, 'failOn'> {
  scope: Scope;
  failOn: ReadonlySet<FindingCode>;
}

/** @throws MsmqCertError invalid-config, usage, file-unreadable */
export async function readAuditSettings(command: Command): Promise<AuditSettings> {
  const raw = await readSettings(command, auditSettings);
  return { ...raw, scope: await scopeOf(raw), failOn: parseFailOn(raw.failOn) };
}

async function scopeOf({ usersFrom, filter, include }: Raw): Promise<Scope> {
  const kinds = parseKinds(include);
  if (usersFrom === undefined) return { kind: 'all', filter: filter ?? null, include: new Set(['user', ...kinds]) };
  if (filter !== undefined) {
    throw new MsmqCertError('usage', '--users-from and --filter are both given', { hint: 'give one of them' });
  }
  return { kind: 'named', names: await readUserNames([], usersFrom) };
}

const kinds: ReadonlyMap<string, ObjectKind> = new Map([
  ['computers', 'computer'],
  ['managed-service-accounts', 'managed-service-account'],
  ['migrated-users', 'migrated-user'],
]);

function parseKinds(text: string): ObjectKind[] {
  return words(text).map((word) => {
    const kind = kinds.get(word);
    if (kind !== undefined) return kind;
    throw new MsmqCertError('usage', `there is nothing called ${word} to include`, {
      hint: `give ${[...kinds.keys()].join(', ')}`,
    });
  });
}

function parseFailOn(text: string): ReadonlySet<FindingCode> {
  const codes = words(text);
  if (codes.includes('any')) return new Set(findingCodes);
  return new Set(
    codes.map((code) => {
      const known = findingCodes.find((each) => each === code);
      if (known !== undefined) return known;
      throw new MsmqCertError('usage', `there is no finding ${code}`, {
        hint: `give any, or some of ${findingCodes.join(', ')}`,
      });
    }),
  );
}

function words(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}
