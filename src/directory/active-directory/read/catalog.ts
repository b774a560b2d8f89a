import { type Source, type SurveyContext, sourceFor } from './survey.ts';

/**
 * Where the whole forest is looked through: the global catalog when the server is one that can be reached, its domain
 * otherwise. The connection to it is made once, on first use; one that cannot be made is tried again after a while.
 */
export interface Catalog {
  source(): Promise<Source>;
  close(): Promise<void>;
}

/** A global catalog that did not answer is asked again after this long, in milliseconds. */
const OPEN_AGAIN_MS = 60_000;

export function catalogOf(context: SurveyContext, now: () => number = Date.now): Catalog {
  let opened: Promise<Source> | null = null;
  let openAgainAt = Number.POSITIVE_INFINITY;

  async function open(): Promise<Source> {
    openAgainAt = Number.POSITIVE_INFINITY;
    const found = await sourceFor(context);
    const { reach } = found;
    const mayReachMore = context.rootDse.isGlobalCatalogReady && reach.kind === 'domain' && !reach.isWholeForest;
    if (mayReachMore) openAgainAt = now() + OPEN_AGAIN_MS;
    return found;
  }

  return {
    source() {
      if (now() >= openAgainAt) opened = null;
      // What failed once may work the next time.
      opened ??= open().catch((error: unknown) => {
        opened = null;
        throw error;
      });
      return opened;
    },
    async close() {
      const last = await opened?.catch(() => null);
      await last?.leave();
    },
  };
}
