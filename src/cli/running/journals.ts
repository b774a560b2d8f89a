import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { command } from '../../advice.ts';
import type { Directory } from '../../directory/directory.ts';
import { MsmqCertError } from '../../errors.ts';
import { findUnfinished, newJournalPath, readForResume, type Unfinished } from '../../journal/find.ts';
import type { JournalHistory } from '../../journal/read.ts';
import { beginJournal, fingerprintOf, type Journal, resumeJournal } from '../../journal/write.ts';
import type { Request } from '../../plan/request.ts';
import type { MutationSettings } from '../settings.ts';
import { tell } from '../terminal.ts';
import { delivers } from './hooks.ts';
import type { Run } from './run.ts';

export type OpenJournal = Journal & {
  /** Null as long as it has nothing to tell. */
  path(): string | null;
  /** What an earlier run had done already. */
  readonly history: JournalHistory | null;
  /** Equal for all runs that were asked for the same. */
  readonly fingerprint: string;
};

/**
 * The journal of a run: that of the same run when it was cut short, or a new one. One that has nothing to tell in the
 * end is removed.
 * @throws MsmqCertError file-exists, file-locked, file-unwritable, invalid-journal
 */
export async function openJournal(
  mutation: Run,
  settings: MutationSettings,
  directory: Directory,
): Promise<OpenJournal> {
  const { request, targets, keys } = mutation;
  const name = settings.directory ?? '';
  const fingerprint = fingerprintOf({ request, targets, keys, directory: name });
  const unfinished = mutation.resume ?? (await findEarlier(settings.journal, keys.out, fingerprint));
  if (unfinished !== null) return await goOn(unfinished, directory.server, request, settings);

  const path = settings.journal ?? newJournalPath(keys.out, request.verb, fingerprint);
  const journal = await beginJournal(path, {
    request,
    targets,
    keys,
    directory: name,
    server: directory.server,
    bind: settings.bind ?? null,
    delivers: delivers(request, settings),
  });
  return { ...withoutEmpty(journal, path), history: null, fingerprint };
}

async function goOn(
  { path, history }: Unfinished,
  server: string,
  request: Request,
  settings: MutationSettings,
): Promise<OpenJournal> {
  const { quiet } = settings;
  const done = [...history.users.values()].filter(({ swaps }) => swaps.at(-1)?.outcome?.outcome === 'swapped').length;
  if (!quiet) tell(`going on with the run of ${path}: ${done} users were written before`);
  if (history.tornBytes > 0)
    tell(`the last line of ${path} was torn by a crash; its ${history.tornBytes} bytes are dropped`);
  const journal = await resumeJournal(path, history, { server, delivers: delivers(request, settings) });
  return { ...journal, path: () => path, history, fingerprint: history.run.fingerprint };
}

async function findEarlier(journal: string | undefined, out: string, fingerprint: string): Promise<Unfinished | null> {
  if (journal === undefined) return await findUnfinished(out, fingerprint);
  if (!existsSync(journal)) return null;
  const history = await readForResume(journal);
  if (history.run.fingerprint === fingerprint && !history.ended) return { path: journal, history };
  throw new MsmqCertError('file-exists', `the journal ${journal} is that of another run`, {
    hint: `name another file, or take up that run: ${command('resume', [journal])}`,
  });
}

function withoutEmpty(journal: Journal, path: string): Omit<OpenJournal, 'history' | 'fingerprint'> {
  let isEmpty = true;
  return {
    ...journal,
    path: () => (isEmpty ? null : path),
    intend: async (...facts) => {
      isEmpty = false;
      await journal.intend(...facts);
    },
    hook: async (...facts) => {
      isEmpty = false;
      await journal.hook(...facts);
    },
    close: async () => {
      await journal.close();
      if (isEmpty) await rm(path, { force: true });
    },
  };
}
