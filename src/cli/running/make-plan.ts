import { command } from '../../advice.ts';
import { type Directory, type Listing, userKey } from '../../directory/directory.ts';
import type { MsmqCertError } from '../../errors.ts';
import { createFile, type Write } from '../../files/output-file.ts';
import { noJournal } from '../../journal/write.ts';
import { jsonList, type Sequence } from '../../packed/packed-list.ts';
import type { UserPlan } from '../../plan/plan.ts';
import { type PlanError, type PlanFile, type PlannedUser, plannedUser, writePlan } from '../../plan/plan-file.ts';
import type { KeySettingsRecord, Verb, Wanted } from '../../plan/request.ts';
import type { ItemResult } from '../../plan/results.ts';
import { sharedDigestGuard } from '../../plan/shared-digests.ts';
import type { RunOutcome } from '../../run/run.ts';
import { openDirectory } from '../access/connect.ts';
import { goOnUnread } from '../pipes.ts';
import { recognitionIn } from '../recognition.ts';
import { runReport } from '../render/run-report.ts';
import type { KeySettings } from '../settings.ts';
import { tell } from '../terminal.ts';
import { addresseesOf } from './addressees.ts';
import type { Chosen } from './chosen-users.ts';
import { watchInterrupts } from './interrupts.ts';
import { keyPolicy, keySettingsRecord } from './policies.ts';
import { watchProgress } from './progress.ts';

/** Makes the plan of what the command line asks for, shows it, and writes it to the file that --out names. */
export async function makePlan(request: Verb, chosen: Chosen, options: KeySettings): Promise<void> {
  goOnUnread();
  const keys = { ...(await keySettingsRecord(options)), out: '' };
  const directory = await openDirectory(options);
  try {
    const draft = collect();
    const save = async () => {
      const plan: PlanFile = {
        kind: 'msmq-cert plan',
        schema: 1,
        createdAt: new Date().toISOString(),
        domain: domainOf(draft.users),
        request,
        keys,
        users: draft.users,
        errors: draft.errors,
      };
      await createFile(options.out, (write) => writePieces(writePlan(plan), write), 0o600);
    };
    const outcome = await draft.fill(request, chosen, keys, options, directory, save);
    if (!options.quiet && outcome.stoppedBy === null)
      tell(`the plan is in ${options.out}; ${command('apply', [options.out])} carries it out`);
  } finally {
    await directory.close();
  }
}

interface Draft {
  users: Sequence<PlannedUser>;
  errors: Sequence<PlanError>;
  fill(
    request: Verb,
    chosen: Chosen,
    keys: KeySettingsRecord,
    options: KeySettings,
    directory: Directory & Listing,
    save: () => Promise<void>,
  ): Promise<RunOutcome>;
}

function collect(): Draft {
  const users = jsonList<PlannedUser>();
  const errors = jsonList<PlanError>();
  const wantedOf = new Map<string, readonly Wanted[]>();
  const note = (user: string, items: readonly ItemResult[]) => {
    for (const { error } of items) if (error !== null) errors.push({ user, ...errorFacts(error) });
  };

  return {
    users,
    errors,
    async fill(request, chosen, keys, options, directory, save) {
      const report = runReport(`plan ${request.verb}`, { ...options, dryRun: true });
      const progress = watchProgress('plan', 'users', options);
      const interrupts = watchInterrupts(() => tell('stopping; no plan is written'));
      const recognition = recognitionIn(directory, keys);
      const addressees = await addresseesOf({ request, ...chosen }, directory, recognition, keys);
      const context = {
        directory,
        criteria: addressees.criteria,
        keys: await keyPolicy(keys, options),
        journal: noJournal,
        mode: 'dry-run' as const,
        guardSharedDigests: sharedDigestGuard(directory.findByDigest),
        beforeWrite: async (plan: UserPlan) => plan,
        whenCoreIsFree: <T>(job: () => Promise<T>) => job(),
        onRetry: progress.retried,
      };
      const control = {
        concurrency: options.concurrency,
        stop: interrupts.signal,
        maxFailures: Number.POSITIVE_INFINITY,
        history: null,
        shard: options.shard ?? null,
      };
      const outcome = await addressees.run(
        (wanted, user) => {
          wantedOf.set(userKey(user), wanted);
          return addressees.plannerFor(wanted, user);
        },
        context,
        control,
        {
          started: progress.started,
          untouched: progress.passed,
          finished: async (result) => {
            report.add(result);
            progress.finished(result);
            if (result.plan === null) note(result.user.account, result.items);
            else users.push(plannedUser(result.plan, wantedOf.get(userKey(result.user)) ?? []));
            wantedOf.delete(userKey(result.user));
          },
          unknown: (unknown) => {
            report.addUnknown(unknown);
            note(unknown.name, unknown.items);
          },
        },
      );
      progress.stop();
      interrupts.release();
      // a plan that cannot be saved has no result to print
      if (outcome.stoppedBy === null) await save();
      recognition.tellUnused();
      process.exitCode = report.finish({
        outcome,
        journal: null,
        replication: [],
        keys: { out: options.out, journal: null },
      });
      return outcome;
    },
  };
}

function errorFacts({ code, message }: MsmqCertError) {
  return { code, message };
}

function domainOf(users: Sequence<PlannedUser>): string {
  return users.at(0)?.user.account.replace(/\\.*/, '') ?? '';
}

const PIECE_CHARACTERS = 64 * 1024;

/** A write for many small pieces. */
async function writePieces(pieces: Iterable<string>, write: Write): Promise<void> {
  let held = '';
  for (const piece of pieces) {
    held += piece;
    if (held.length < PIECE_CHARACTERS) continue;
    await write(held);
    held = '';
  }
  await write(held);
}
