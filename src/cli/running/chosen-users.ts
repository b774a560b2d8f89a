import { MsmqCertError } from '../../errors.ts';
import type { Sequence } from '../../packed/packed-list.ts';
import type { Everyone, Target } from '../../plan/request.ts';
import { readUserNames } from '../input.ts';
import type { RunSettings } from '../settings.ts';
import { withoutWanted } from './named.ts';

/** Whom a command is for: those that are named, or everybody. */
export interface Chosen {
  targets: Sequence<Target>;
  everyone?: Everyone;
}

type Choice = Pick<RunSettings, 'everyone' | 'filter' | 'limit' | 'usersFrom' | 'baseDn'> & {
  includeComputers?: boolean;
};

/** @throws MsmqCertError usage, file-unreadable */
export async function chosenUsers(names: readonly string[], choice: Choice): Promise<Chosen> {
  const { everyone, filter, limit, usersFrom, baseDn, includeComputers = false } = choice;
  if (!everyone) {
    refuseAlone('--filter', filter);
    refuseAlone('--limit', limit);
    return { targets: (await readUserNames(names, usersFrom)).map(withoutWanted) };
  }
  if (names.length > 0 || usersFrom !== undefined) {
    throw new MsmqCertError('usage', '--everyone is given, and users besides', { hint: 'give one of them' });
  }
  return {
    targets: [],
    everyone: { baseDn: baseDn ?? null, filter: filter ?? null, includeComputers, limit: limit ?? null },
  };
}

function refuseAlone(name: string, value: unknown): void {
  if (value === undefined) return;
  throw new MsmqCertError('usage', `${name} is given without --everyone`, {
    hint: 'it is for runs that go through all users',
  });
}
