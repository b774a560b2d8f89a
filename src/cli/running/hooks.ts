import { userKey } from '../../directory/directory.ts';
import type { Request } from '../../plan/request.ts';
import type { ItemResult, UserResult } from '../../plan/results.ts';
import { type HookOutcome, runDeployHook } from '../../run/deploy-hook.ts';
import type { MutationSettings } from '../settings.ts';
import type { OpenJournal } from './journals.ts';

/** How the hook of one certificate ended. */
export type HookResult = HookOutcome & { item: ItemResult };

export interface HookRunner {
  /** Runs the deploy hook for each certificate that was registered, unless it succeeded in an earlier run. */
  runFor(result: UserResult): Promise<HookResult[]>;
}

const DEFAULT_TIMEOUT_MS = 60_000;

/** The others put back or reorder what was there before: nothing is to be delivered. */
const MAKES_CERTIFICATES: ReadonlySet<Request['verb']> = new Set(['register', 'renew', 'replace', 'apply']);

export function hookRunner(settings: MutationSettings, request: Request, journal: OpenJournal | null): HookRunner {
  const { deployHook: command, hookTimeout: timeoutMs = DEFAULT_TIMEOUT_MS } = settings;
  if (command === undefined || journal === null || !MAKES_CERTIFICATES.has(request.verb))
    return { runFor: async () => [] };
  return {
    async runFor(result) {
      if (result.outcome !== 'changed') return [];
      const results: HookResult[] = [];
      for (const item of result.items) {
        if ((item.action !== 'added' && item.action !== 'replaced') || isDeployed(journal, result, item)) continue;
        const outcome = await runDeployHook(command, result, item, timeoutMs);
        await journal.hook(result.user, item, outcome.outcome, outcome.status, outcome.output);
        results.push({ ...outcome, item });
      }
      return results;
    },
  };
}

function isDeployed({ history }: OpenJournal, { user }: UserResult, { digest }: ItemResult): boolean {
  const hooks = history?.users.get(userKey(user))?.hooks ?? [];
  return hooks.some((hook) => hook.digest === digest && hook.outcome === 'done');
}
