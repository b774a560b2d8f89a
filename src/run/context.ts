import { availableParallelism } from 'node:os';
import limit from 'p-limit';
import pThrottle from 'p-throttle';
import { type Directory, type Listing, withSwap } from '../directory/directory.ts';
import type { OpenJournal } from '../journal/open.ts';
import { noJournal } from '../journal/write.ts';
import type { Request } from '../plan/request.ts';
import { sharedDigestGuard } from '../plan/shared-digests.ts';
import type { ApplyContext } from './apply.ts';
import type { RunControl } from './run.ts';
import { saveWhatGoes } from './save-before.ts';

/** One more than there are cores: there is a key to be made while the main thread puts another into its PFX. */
export const KEYS_AT_ONCE = availableParallelism() + 1;

/** What makes one run different from another. */
export interface RunSetup
  extends Pick<ApplyContext, 'directory' | 'criteria' | 'keys' | 'mode' | 'onKeys'>,
    Pick<RunControl, 'concurrency' | 'shard' | 'deliver' | 'isOwed'> {
  request: Request;
  /** Where else a digest is registered. */
  findByDigest: Listing['findByDigest'];
  /** Null for a run that writes nothing down. */
  journal: OpenJournal | null;
  /** No new user is begun once one of these is aborted, or the journal is lost. */
  stops: readonly AbortSignal[];
  /** In the directory, at most; any number when it is null or not given. */
  writesPerSecond?: number | null;
  /** Any number unless it is given. */
  maxFailures?: number | undefined;
  /** What cannot be put back by any other means is saved unless something else is given. */
  beforeWrite?: ApplyContext['beforeWrite'];
  onRetry?: () => void;
}

/** What a run works with, whoever asked for it. */
export function setUpRun(setup: RunSetup): { context: ApplyContext; control: RunControl } {
  const { request, criteria, keys, mode, onKeys, concurrency, shard = null, deliver, isOwed } = setup;
  const journal = setup.journal ?? noJournal;
  return {
    context: {
      directory: throttled(setup.directory, setup.writesPerSecond ?? null),
      criteria,
      keys,
      journal,
      mode,
      guardSharedDigests: sharedDigestGuard(setup.findByDigest),
      beforeWrite:
        setup.beforeWrite ??
        (async (plan) => {
          await saveWhatGoes(request, keys.out, plan);
          return plan;
        }),
      whenCoreIsFree: limit(KEYS_AT_ONCE),
      onRetry: setup.onRetry ?? (() => {}),
      ...(onKeys && { onKeys }),
    },
    control: {
      concurrency,
      stop: AbortSignal.any([...setup.stops, journal.lost]),
      maxFailures: setup.maxFailures ?? Number.POSITIVE_INFINITY,
      history: setup.journal?.history ?? null,
      shard,
      ...(deliver && { deliver }),
      ...(isOwed && { isOwed }),
    },
  };
}

function throttled(directory: Directory, writesPerSecond: number | null): Directory {
  if (writesPerSecond === null) return directory;
  const throttle = pThrottle({ limit: 1, interval: 1000 / writesPerSecond });
  return withSwap(directory, throttle(directory.swap));
}
