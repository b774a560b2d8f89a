import type { Command } from 'commander';
import * as z from 'zod';
import { mainFile } from '../../certificate/key-files/custody.ts';
import { MsmqCertError } from '../../errors.ts';
import { journalFolder, journalsIn } from '../../journal/find.ts';
import { type FoundKeySet, keyInventory, removeOrphaned } from '../../run/key-inventory.ts';
import { openDirectory } from '../access/connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { addExamples } from '../help.ts';
import { requireFolder } from '../input.ts';
import { addDirectoryOptions, addOutputOptions, collect, newCommand } from '../options.ts';
import { printResult } from '../output.ts';
import { withSinkText } from '../render/result-text.ts';
import { table } from '../render/table.ts';
import { canAsk, isConfirmed } from '../running/confirm.ts';
import { readSettings, settings } from '../settings.ts';
import { tell } from '../terminal.ts';

export function keysCommand(): Command {
  const command = newCommand('keys')
    .summary('list key files, and remove those that nobody needs')
    .description(
      'Lists the key sets below --out and whether their certificates are registered. With --remove-orphaned those are removed ' +
        'that belong to no registered certificate, unless the run that made them is at work. A set that no journal names ' +
        'is never removed: a run with --journal elsewhere, or with --dry-run --ldif, may have made it.',
    )
    .option('--out <dir>', 'folder of the key files', 'msmq-certs')
    .option('--journal <file>', 'a journal that is not in the folder journal below --out; may be given again', collect)
    .option('--remove-orphaned', 'remove the key files that belong to no registered certificate')
    .option('--yes', 'really remove them');
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    ['keys --out msmq-certs', 'what is there, and what has become of it'],
    ['keys --remove-orphaned --yes', 'after an undo'],
  ]);
  return command.action(async (_options, self: Command) => {
    await keys(self);
  });
}

const keysSettings = settings.directory.extend({
  out: z.string(),
  journal: z.array(z.string()).default([]),
  removeOrphaned: z.boolean().default(false),
  yes: z.boolean().default(false),
});

async function keys(command: Command): Promise<void> {
  const options = await readSettings(command, keysSettings);
  await requireFolder(options.out);
  const onWait = (journal: string) => {
    if (!options.quiet) tell(`waiting a few seconds to see whether the run of ${journal} is still at work`);
  };
  const onUnread = (journal: string, why: string) => tell(`the key sets of ${journal} stay: ${why}`);
  const journals = [...(await journalsIn(journalFolder(options.out))), ...options.journal];
  const directory = await openDirectory(options);
  try {
    const sets = await keyInventory(options.out, journals, directory, onWait, onUnread);
    if (options.removeOrphaned && !options.yes) await confirmRemoval(sets);
    const removed = options.removeOrphaned ? await removeOrphaned(sets, directory, onWait) : [];
    const json = { schema: 1, keys: sets.map((set) => keySetJson(set, removed.includes(set))) };
    printResult({ exitCode: exitCodes.done, json, lines: linesOf(sets, removed) }, options);
    if (!options.json && !options.quiet) tellUnnamed(sets);
    for (const set of removed) if (isWithSink(set)) tell(sinkText(set));
  } finally {
    await directory.close();
  }
}

function isRemovable({ state, origin }: FoundKeySet): boolean {
  return origin !== null && (state === 'orphaned' || state === 'torn');
}

/** @throws MsmqCertError confirmation-needed */
async function confirmRemoval(sets: readonly FoundKeySet[]): Promise<void> {
  const removable = sets.filter(isRemovable);
  const refusal = confirmationNeeded(removable.length);
  if (removable.length === 0 || !canAsk()) throw refusal;
  tell(...linesOf(removable, []));
  if (!(await isConfirmed(`${refusal.message}; go ahead?`, new AbortController().signal))) throw refusal;
}

function confirmationNeeded(count: number): MsmqCertError {
  return new MsmqCertError(
    'confirmation-needed',
    `${count} key ${count === 1 ? 'set belongs' : 'sets belong'} to no registered certificate and would be removed`,
    {
      hint: 'msmq-cert keys lists them; add --yes to remove them',
    },
  );
}

function keySetJson({ digest, folder, files, origin, problem, state }: FoundKeySet, removed: boolean): object {
  const user = origin?.key.user.account ?? null;
  return {
    user,
    machine: origin?.key.machine ?? null,
    digest,
    state,
    problem,
    folder,
    files,
    journal: origin?.journal ?? null,
    removed,
  };
}

function linesOf(sets: readonly FoundKeySet[], removed: readonly FoundKeySet[]): string[] {
  if (sets.length === 0) return ['no key sets'];
  const rows = sets.map((set) => [
    removed.includes(set) ? 'removed' : set.state,
    mainFile(set.files),
    set.problem ?? '',
  ]);
  const counts = Map.groupBy(sets, (set) => (removed.includes(set) ? 'removed' : set.state));
  const summary = [...counts].map(([state, those]) => `${those.length} ${state}`).join(', ');
  return [...table(rows), '', `${sets.length} key ${sets.length === 1 ? 'set' : 'sets'}: ${summary}`];
}

function isWithSink({ origin }: FoundKeySet): boolean {
  return origin?.key.custody?.kind === 'sink' && origin.key.taken;
}

function sinkText({ origin, digest }: FoundKeySet): string {
  return withSinkText(origin?.key.user.account ?? '', digest);
}

/** Why --remove-orphaned leaves them. */
function tellUnnamed(sets: readonly FoundKeySet[]): void {
  const unnamed = sets.filter(({ state, origin }) => origin === null && (state === 'orphaned' || state === 'torn'));
  if (unnamed.length === 0) return;
  tell(
    `unregistered key sets that no journal names: ${unnamed.length}; nothing says that their run is over, so they are never removed; name its journal with --journal, or remove them by hand`,
  );
}
