import type { Command } from 'commander';
import * as z from 'zod';
import { MsmqCertError } from '../../errors.ts';
import { readForResume } from '../../journal/find.ts';
import { type JournalHistory, readJournal } from '../../journal/read.ts';
import type { RecordOf } from '../../journal/records.ts';
import type { Target } from '../../plan/request.ts';
import { readPlanFile } from '../../run/planners.ts';
import { type MutationSettings, readSettings, settings } from '../settings.ts';
import { mutate } from './mutate.ts';
import { keySettingsRecord } from './policies.ts';
import type { Intention } from './verbs.ts';

/** Carries out what the command line asks for. */
export async function carryOut({ request, targets, options }: Intention): Promise<void> {
  await mutate(request.verb, { request, targets, keys: keySettingsRecord(options), resume: null }, options);
}

const applySettings = settings.mutation.extend({ out: z.string(), replan: z.boolean().default(false) });

/** Carries out a plan file. */
export async function apply(file: string, command: Command): Promise<void> {
  const options = await readSettings(command, applySettings);
  const plan = await readPlanFile(file);
  const request = { verb: 'apply', plan: file, replan: options.replan } as const;
  const targets = plan.users.map(({ user, wanted }): Target => ({ name: user.sid ?? user.dn, wanted }));
  await mutate('apply', { request, targets, keys: { ...plan.keys, out: options.out }, resume: null }, options);
}

/** Goes on with a run that was cut short, or had failures. */
export async function resume(file: string, command: Command): Promise<void> {
  const given = await readSettings(command, settings.mutation);
  const history = await readForResume(file);
  if (!history.complete) {
    throw new MsmqCertError('invalid-journal', `the run of ${file} was cut short before it began to write`, {
      hint: 'nothing was changed by it; run its command again',
    });
  }
  const { request, keys } = history.run;
  await mutate(
    request.verb,
    { request, targets: history.targets, keys, resume: { path: file, history } },
    sameDirectory(given, history.run),
  );
}

const undoSettings = settings.mutation.extend({ user: z.array(z.string()).optional() });

/** Puts back what a run found. */
export async function undo(file: string, command: Command): Promise<void> {
  const given = await readSettings(command, undoSettings);
  const history = await readJournal(file);
  const request = { verb: 'undo', journal: file } as const;
  const targets = given.user?.map(withoutWants) ?? writtenUsers(history).map(withoutWants);
  await mutate('undo', { request, targets, keys: history.run.keys, resume: null }, sameDirectory(given, history.run));
}

function writtenUsers({ users }: JournalHistory): string[] {
  return [...users.values()].flatMap(({ swaps }) => {
    const written = swaps.findLast(({ outcome }) => outcome === null || outcome.outcome === 'swapped');
    return written === undefined ? [] : [written.intent.user.sid ?? written.intent.user.dn];
  });
}

/** What the run used is the default for what takes it up. */
function sameDirectory(given: MutationSettings, run: RecordOf<'run'>): MutationSettings {
  return { ...given, directory: given.directory ?? run.directory, bind: given.bind ?? run.bind ?? undefined };
}

function withoutWants(name: string): Target {
  return { name, wanted: [] };
}
