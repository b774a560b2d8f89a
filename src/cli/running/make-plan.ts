import { command } from '../../advice.ts';
import { type User, userKey } from '../../directory/directory.ts';
import { createFile, type Write } from '../../files/output-file.ts';
import { jsonList } from '../../packed/packed-list.ts';
import { type PlanError, type PlanFile, type PlannedUser, plannedUser, writePlan } from '../../plan/plan-file.ts';
import type { KeySettingsRecord, Verb, Wanted } from '../../plan/request.ts';
import type { ItemResult, UserResult } from '../../plan/results.ts';
import { setUpRun } from '../../run/context.ts';
import { keyPolicy } from '../../run/key-policy.ts';
import type { UnknownUser } from '../../run/run.ts';
import { openDirectory } from '../access/connect.ts';
import { goOnUnread } from '../pipes.ts';
import { recognitionIn } from '../recognition.ts';
import { runReport } from '../render/run-report.ts';
import type { KeySettings } from '../settings.ts';
import { tell } from '../terminal.ts';
import { addresseesOf } from './addressees.ts';
import type { Chosen } from './chosen-users.ts';
import { watchInterrupts } from './interrupts.ts';
import { keySettingsRecord } from './policies.ts';
import { watchProgress } from './progress.ts';

/** Makes the plan of what the command line asks for, shows it, and writes it to the file that --out names. */
export async function makePlan(request: Verb, chosen: Chosen, options: KeySettings): Promise<void> {
  goOnUnread();
  const keys = { ...(await keySettingsRecord(options)), out: '' };
  const directory = await openDirectory(options);
  try {
    const report = runReport(`plan ${request.verb}`, { ...options, dryRun: true });
    const progress = watchProgress('plan', 'users', options);
    const interrupts = watchInterrupts(() => tell('stopping; no plan is written'));
    const recognition = recognitionIn(directory, keys);
    const addressees = await addresseesOf({ request, ...chosen }, directory, recognition, keys);
    const { context, control } = setUpRun({
      request,
      directory,
      findByDigest: directory.findByDigest,
      criteria: addressees.criteria,
      keys: await keyPolicy(keys, options),
      journal: null,
      mode: 'dry-run',
      concurrency: options.concurrency,
      shard: options.shard ?? null,
      stops: [interrupts.signal],
      onRetry: progress.retried,
    });
    const draft = collect();
    const plannerFor = (wanted: readonly Wanted[], user: User) => {
      draft.wanted(user, wanted);
      return addressees.plannerFor(wanted, user);
    };
    const outcome = await addressees.run(plannerFor, context, control, {
      started: progress.started,
      untouched: progress.passed,
      finished: async (result) => {
        report.add(result);
        progress.finished(result);
        draft.finished(result);
      },
      unknown: (unknown) => {
        report.addUnknown(unknown);
        draft.unknown(unknown);
      },
    });
    progress.stop();
    interrupts.release();
    // a plan that cannot be saved has no result to print
    if (outcome.stoppedBy === null) await save(draft.plan(request, keys), options.out);
    recognition.tellUnused();
    const end = { outcome, journal: null, replication: [], keys: { out: options.out, journal: null } };
    process.exitCode = report.finish(end);
    if (!options.quiet && outcome.stoppedBy === null)
      tell(`the plan is in ${options.out}; ${command('apply', [options.out])} carries it out`);
  } finally {
    await directory.close();
  }
}

/** What a plan file will say, as the users come. */
function collect() {
  const users = jsonList<PlannedUser>();
  const errors = jsonList<PlanError>();
  const wantedOf = new Map<string, readonly Wanted[]>();
  const note = (user: string, items: readonly ItemResult[]) => {
    for (const { error } of items) if (error !== null) errors.push({ user, code: error.code, message: error.message });
  };
  return {
    wanted(user: User, wanted: readonly Wanted[]) {
      wantedOf.set(userKey(user), wanted);
    },
    finished({ user, plan, items }: UserResult) {
      if (plan === null) note(user.account, items);
      else users.push(plannedUser(plan, wantedOf.get(userKey(user)) ?? []));
      wantedOf.delete(userKey(user));
    },
    unknown: ({ name, items }: UnknownUser) => note(name, items),
    plan: (request: Verb, keys: KeySettingsRecord): PlanFile => ({
      kind: 'msmq-cert plan',
      schema: 1,
      createdAt: new Date().toISOString(),
      domain: users.at(0)?.user.account.replace(/\\.*/, '') ?? '',
      request,
      keys,
      users,
      errors,
    }),
  };
}

async function save(plan: PlanFile, file: string): Promise<void> {
  await createFile(file, (write) => writePieces(writePlan(plan), write), 0o600);
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
