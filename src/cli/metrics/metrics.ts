import { type User, userKey } from '../../directory/directory.ts';
import { type ErrorCode, MsmqCertError } from '../../errors.ts';
import { factsOf, type UserFacts } from '../../judge/facts.ts';
import { assess, type Criteria, capacityFinding, type UserFinding, type UserState } from '../../judge/state.ts';
import type { UserPlan } from '../../plan/plan.ts';
import type { ItemResult, UserResult } from '../../plan/results.ts';
import type { PlannerFor } from '../../run/planners.ts';
import { type Figures, noFigures } from './figures.ts';

/** Takes down how a run goes, for --metrics-file. */
export interface Metrics {
  /** A user as the run leaves him. */
  user(facts: UserFacts): void;
  /** A user whom nothing is done for. */
  judged(state: UserState): void;
  /** The same planners; what they see of a user is remembered until his result comes. */
  watch(plannerFor: PlannerFor): PlannerFor;
  /** A user is worked on who was seen in a listing. */
  selected(user: User, facts: UserFacts): void;
  result(result: UserResult, judgedBy: Criteria, validForMs: number): void;
  items(items: readonly ItemResult[]): void;
  error(code: ErrorCode): void;
  /** The run came to no end, for this reason: what it has not seen stays as an earlier one has seen it. */
  stopped(code: ErrorCode): void;
  journalUnfinished(): void;
  /** The run has done all that it was to do. */
  succeeded(): void;
  /** @throws MsmqCertError disk-full, file-unwritable */
  write(): Promise<void>;
}

const none: Metrics = {
  user: () => {},
  judged: () => {},
  watch: (plannerFor) => plannerFor,
  selected: () => {},
  result: () => {},
  items: () => {},
  error: () => {},
  stopped: () => {},
  journalUnfinished: () => {},
  succeeded: () => {},
  write: async () => {},
};

/**
 * @param settings a dry run leaves the file as it is
 * @throws MsmqCertError usage
 */
export function startMetrics(
  command: string,
  { metricsFile, dryRun, maxCertificates }: { metricsFile?: string; dryRun?: boolean; maxCertificates: number },
): Metrics {
  if (metricsFile === undefined || dryRun) return none;
  requirePromFile(metricsFile);
  const figures = noFigures(command, maxCertificates);
  const seen = new Map<string, UserFacts>();
  const items = (all: readonly ItemResult[]) => {
    for (const { action, error } of all) {
      add(figures.actions, action);
      if (error !== null) add(figures.errors, error.code);
    }
  };
  return {
    items,
    user: (facts) => addUser(figures, facts),
    judged: (state) => addUser(figures, factsOf(state)),
    watch: (plannerFor) => (wanted, user) => {
      const planner = plannerFor(wanted, user);
      return (state) => {
        seen.set(userKey(user), factsOf(state));
        return planner(state);
      };
    },
    selected: (user, facts) => seen.set(userKey(user), facts),
    result(result, criteria, validForMs) {
      const key = userKey(result.user);
      const before = seen.get(key);
      seen.delete(key);
      // what an earlier process of the run has done, that one has counted
      if (!result.doneBefore) items(result.items);
      if (before !== undefined) addUser(figures, stateAfter(result, before, criteria, validForMs));
    },
    error: (code) => add(figures.errors, code),
    stopped(code) {
      figures.isComplete = false;
      add(figures.errors, code);
    },
    journalUnfinished: () => {
      figures.isJournalUnfinished = true;
    },
    succeeded: () => {
      figures.isSuccess = true;
    },
    // The library for the format is loaded only when there is something to write.
    write: async () => await (await import('./write-figures.ts')).writeFigures(metricsFile, figures),
  };
}

/** @throws MsmqCertError usage */
export function requirePromFile(file: string | undefined): void {
  if (file === undefined || file.endsWith('.prom')) return;
  throw new MsmqCertError('usage', `${file} does not end in .prom`, {
    hint: "node_exporter's textfile collector reads such files only",
  });
}

function stateAfter(
  { outcome, plan, user }: UserResult,
  before: UserFacts,
  criteria: Criteria,
  validForMs: number,
): UserFacts {
  if (outcome !== 'changed' || plan === null) return before;
  if (plan.desired.kind === 'pair') return factsOf(assess(user, plan.desired.pair, criteria));
  return factsAfter(plan, before, criteria, validForMs);
}

function addUser(figures: Figures, { account, ends, findings, userFindings, certificates }: UserFacts): void {
  figures.users++;
  for (const end of ends) figures.remaining.push((end - figures.begunAt) / 1000);
  for (const finding of [...findings, ...userFindings]) add(figures.findings, finding);
  if (userFindings.some((finding) => finding === 'near-capacity' || finding === 'over-capacity'))
    figures.nearCapacity++;
  noteLarge(figures, account, certificates);
}

const LARGE = 50;
const LARGEST = 20;

/** Only the largest accounts are told one by one: each is a time series of its own. */
function noteLarge({ largest }: Figures, account: string, certificates: number): void {
  if (certificates < LARGE) return;
  largest.set(account, certificates);
  if (largest.size <= LARGEST) return;
  const [smallest] = [...largest].sort(([, a], [, b]) => a - b);
  if (smallest !== undefined) largest.delete(smallest[0]);
}

function add<T>(counts: Map<T, number>, key: T): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** How a user stands after a plan that came true, without reading him again. */
function factsAfter(plan: UserPlan, before: UserFacts, criteria: Criteria, validForMs: number): UserFacts {
  const now = criteria.now.getTime();
  const kept = plan.items.flatMap((item) => (item.action === 'keep' ? [item.registered] : []));
  const added = plan.items.flatMap((item) => (item.action === 'add' ? [item.addition] : []));
  const certificates = kept.length + added.length;
  const capacity = capacityFinding(certificates / criteria.maxCertificates);
  const others = before.userFindings.filter((finding) => !isAboutCapacity(finding));
  return {
    account: before.account,
    ends: [
      ...kept.flatMap(({ facts }) => (facts.kind === 'certificate' ? facts.notAfter.getTime() : [])),
      ...added.flatMap(({ source, validForMs: own }) => (source.kind === 'external' ? [] : now + (own ?? validForMs))),
    ],
    findings: kept.flatMap(({ findings }) => findings),
    userFindings: capacity === null ? others : [...others, capacity],
    certificates,
  };
}

function isAboutCapacity(finding: UserFinding): boolean {
  return finding === 'near-capacity' || finding === 'over-capacity';
}
