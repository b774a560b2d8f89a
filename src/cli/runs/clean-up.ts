import type { Command } from 'commander';
import * as z from 'zod';
import { MsmqCertError } from '../../errors.ts';
import type { PruneRequest } from '../../plan/request.ts';
import { parseDigest } from '../digests.ts';
import { readUserNames } from '../input.ts';
import { readSettings, settings } from '../settings.ts';
import { type Intention, parseMachines, withoutWants } from './verbs.ts';

const repairSettings = settings.cleaning.extend({ salvage: z.boolean().default(false) });

export async function repair(names: readonly string[], command: Command): Promise<Intention> {
  const options = await readSettings(command, repairSettings);
  const users = await readUserNames(names, options.usersFrom);
  const request = { verb: 'repair', salvage: options.salvage, confirmed: options.yes } as const;
  return { request, targets: users.map(withoutWants), options };
}

const pruneSettings = settings.cleaning.extend({
  expired: z.boolean().default(false),
  superseded: z.boolean().default(false),
  olderThan: z.number().optional(),
  machineGone: z.boolean().default(false),
  machineInactive: z.number().optional(),
  machine: z.array(z.string()).default([]),
  digest: z.array(z.string()).default([]),
  keepNewest: z.number().optional(),
  maxRemovals: z.number(),
  includeComputers: z.boolean().default(false),
});

export async function prune(names: readonly string[], command: Command): Promise<Intention> {
  const options = await readSettings(command, pruneSettings);
  requirePolicy(options);
  const users = await readUserNames(names, options.usersFrom);
  const request: PruneRequest = {
    verb: 'prune',
    expired: options.expired,
    supersededForMs: options.superseded ? (options.olderThan ?? 0) : null,
    machineGone: options.machineGone,
    machineInactiveMs: options.machineInactive ?? null,
    machines: parseMachines(options.machine),
    digests: [...new Set(options.digest.map(parseDigest))],
    keepNewest: options.keepNewest ?? null,
    maxRemovals: options.maxRemovals,
    confirmed: options.yes,
    includeComputers: options.includeComputers,
  };
  return { request, targets: users.map(withoutWants), options };
}

function requirePolicy(options: z.infer<typeof pruneSettings>): void {
  const { expired, superseded, olderThan, machineGone, machineInactive, machine, digest, keepNewest } = options;
  if (olderThan !== undefined && !superseded) {
    throw new MsmqCertError('usage', '--older-than is given without --superseded', {
      hint: 'it says for how long the newer certificate must have been valid',
    });
  }
  const counts = [machineInactive, keepNewest].some((each) => each !== undefined);
  if (expired || superseded || machineGone || counts || machine.length + digest.length > 0) return;
  throw new MsmqCertError('usage', 'prune needs to know which certificates', {
    hint: 'give --expired, --superseded, --machine-gone, --machine-inactive, --machine, --digest or --keep-newest',
  });
}

const clearSettings = settings.cleaning.extend({ includeComputers: z.boolean().default(false) });

/** With --ldif nothing is written to the directory, so there is nothing to confirm. */
export async function clear(names: readonly string[], command: Command): Promise<Intention> {
  const options = await readSettings(command, clearSettings);
  const users = await readUserNames(names, options.usersFrom);
  const onlyRecord = options.ldif !== undefined;
  const { includeComputers } = options;
  const request = { verb: 'clear', confirmed: options.yes || onlyRecord, includeComputers } as const;
  return { request, targets: users.map(withoutWants), options: { ...options, dryRun: options.dryRun || onlyRecord } };
}
