import { command } from '../../advice.ts';
import { mainFile } from '../../certificate/key-files/custody.ts';
import { counted } from '../../counted.ts';
import { type ErrorCode, MsmqCertError } from '../../errors.ts';
import { replicationError, type UserReplication } from '../../inspect/replication/replication.ts';
import { jsonList } from '../../packed/packed-list.ts';
import type { UserPlan } from '../../plan/plan.ts';
import type { ItemResult, LeftKeys, Summary, UserResult } from '../../plan/results.ts';
import type { RunOutcome, UnknownUser } from '../../run/run.ts';
import { type ExitCode, exitCodeOfError, exitCodeOfFailures, exitCodes } from '../exit-codes.ts';
import { errorJson, printJson, printJsonLine, type Told, tellError } from '../output.ts';
import type { RunSettings } from '../settings.ts';
import { isTerminal, print, tell } from '../terminal.ts';
import { colours } from './colours.ts';
import { planLines } from './plan-text.ts';
import { replicationJson, replicationLines } from './replication.ts';
import { table } from './table.ts';

/** How a run came to its end. */
export interface RunEnd {
  outcome: RunOutcome;
  /** The file that undo and resume take, null when none was written. */
  journal: string | null;
  /** Where the users stand on every server, with --wait-replication. */
  replication: readonly UserReplication[];
  /** The folder of the key files, and the journal that names them where that is in another place than usual. */
  keys: { out: string; journal: string | null };
}

/** Takes the results of a run as they come and says them, to people or to scripts. */
export interface RunReport {
  add(result: UserResult): void;
  addUnknown(user: UnknownUser): void;
  finish(end: RunEnd): ExitCode;
}

/** @param preface what the document tells besides */
export function runReport(command: string, settings: RunSettings, preface: object = {}): RunReport {
  const head: Head = { command, dryRun: settings.dryRun, preface };
  const sink = settings.ndjson ? ndjsonSink(head) : settings.json ? jsonSink(head) : textSink(head, settings);
  const failures: ErrorCode[] = [];
  const leftKeys: LeftKeys[] = [];
  let changed = false;

  const note = (items: readonly ItemResult[]) => {
    for (const { error } of items) if (error !== null) failures.push(error.code);
  };

  return {
    add(result) {
      sink.user(result);
      leftKeys.push(...(result.leftKeys ?? []));
      note(result.items);
      changed ||= (result.outcome === 'changed' && !result.doneBefore) || result.outcome === 'pending';
    },
    addUnknown(user) {
      sink.unknown(user);
      note(user.items);
    },
    finish(ending) {
      const end = withWayOn(ending);
      sink.end(end, changed);
      const { outcome, replication, keys } = end;
      tellLeftKeys(leftKeys, keys);
      const { summary, stoppedBy } = outcome;
      if (stoppedBy !== null) return exitCodeOfError(stoppedBy);
      if (failures.length > 0) return exitCodeOfFailures(failures, summary.added + summary.removed + summary.unchanged);
      const { undelivered = 0 } = summary;
      if (undelivered > 0 || replication.some((each) => replicationError(each) !== null)) return exitCodes.someFailed;
      return changed && settings.detailedExitcode ? exitCodes.changed : exitCodes.done;
    },
  };
}

/** What a stopped run can be taken up with is known when it has ended. */
function withWayOn(end: RunEnd): RunEnd {
  const { outcome, journal } = end;
  const { stoppedBy } = outcome;
  if (stoppedBy?.code !== 'interrupted') return end;
  const resume = journal === null ? null : command('resume', [journal]);
  const hint =
    resume === null
      ? 'nothing was written; run the same command again'
      : `what is done stays done; the same command goes on with the run, and so does ${resume}`;
  const { code, message, cause } = stoppedBy;
  return { ...end, outcome: { ...outcome, stoppedBy: new MsmqCertError(code, message, { hint, cause }) } };
}

interface Head {
  command: string;
  dryRun: boolean;
  preface: object;
}

interface Sink {
  user(result: UserResult): void;
  unknown(user: UnknownUser): void;
  end(end: RunEnd, changed: boolean): void;
}

/** One document at the end. */
function jsonSink(head: Head): Sink {
  const results: object[] = [];
  const notes: Note[] = [];
  return {
    user: (result) => {
      results.push(...userJson(result));
      notes.push(...notesOn(result));
    },
    unknown: (user) => results.push(...unknownJson(user)),
    end: (end, changed) =>
      printJson({ ...summaryJson(head, end, changed), results, ...(notes.length > 0 && { notes }) }),
  };
}

/** One result a line as it comes, and the summary as the last line. */
function ndjsonSink(head: Head): Sink {
  const say = printJsonLine;
  return {
    user: (result) => [...userJson(result), ...notesOn(result)].forEach(say),
    unknown: (user) => unknownJson(user).forEach(say),
    end: (end, changed) => say(summaryJson(head, end, changed)),
  };
}

interface Note {
  user: string;
  note: string;
}

/** What people would read in the plan. */
function notesOn({ user, plan, outcome }: UserResult): Note[] {
  if (plan === null) return [];
  const refusal =
    outcome === 'pending' && plan.refusal !== null ? [`refused without --yes: ${plan.refusal.message}`] : [];
  return [...plan.notes, ...refusal].map((note) => ({ user: user.account, note }));
}

function summaryJson({ command, dryRun, preface }: Head, { outcome, journal, replication }: RunEnd, changed: boolean) {
  const { summary, remaining, stoppedBy } = outcome;
  const stopped = stoppedBy && { remaining, error: errorJson(stoppedBy) };
  return {
    schema: 1,
    command,
    dryRun,
    changed: changed && !dryRun,
    ...(dryRun && { wouldChange: changed }),
    ...preface,
    summary,
    journal,
    ...(stopped && { stopped }),
    ...(replication.length > 0 && { replication: replication.map(replicationJson) }),
  };
}

function userJson({ user, items, doneBefore }: UserResult): object[] {
  const before = doneBefore && { doneBefore };
  return items.map((item) => ({ ...itemJson(user.account, user.dn, item), ...before }));
}

function unknownJson({ name, items }: UnknownUser): object[] {
  return items.map((item) => itemJson(name, null, item));
}

function itemJson(user: string, dn: string | null, item: ItemResult): object {
  const { machine, action, digest, identifier, replacedDigest, files, delivery } = item;
  const hook = delivery?.hook;
  return {
    user,
    dn,
    machine,
    action,
    digest,
    identifier,
    replacedDigest,
    files,
    error: item.error === null ? null : errorJson(item.error),
    ...((files !== null || delivery !== undefined) && { delivery: delivery?.state ?? null }),
    ...(hook && { hook: { outcome: hook.outcome, status: hook.status } }),
  };
}

/** For people: as it comes, or after the progress bar where there is one. */
function textSink({ dryRun }: Head, { quiet, ldif, progress }: RunSettings): Sink {
  const heldBack: string[][] = [];
  const isHeldBack = progress && isTerminal.errors;
  const say = (paragraph: readonly string[]) => print([...paragraph, '']);
  const complaints = heldComplaints();
  const complain = (user: string, items: readonly ItemResult[]) => {
    for (const { error } of items) if (error !== null) complaints.error(user, error);
  };
  return {
    user(result) {
      if (!quiet && isHeldBack) heldBack.push(...userParagraphs(result, dryRun));
      else if (!quiet) userParagraphs(result, dryRun).forEach(say);
      complain(result.user.account, result.items);
      const undelivered = undeliveredLines(result);
      if (undelivered.length > 0) complaints.lines(undelivered);
    },
    unknown: ({ name, items }) => complain(name, items),
    end({ outcome, journal, replication }) {
      const { summary, remaining, stoppedBy } = outcome;
      const seen = replication.map(replicationLines);
      if (!quiet) {
        for (const paragraph of [...heldBack, ...seen]) say(paragraph);
        print(lastLines(summary, dryRun, ldif, journal));
      }
      complaints.tell();
      for (const error of replication.flatMap((each) => replicationError(each) ?? [])) tellError(error);
      if (stoppedBy !== null) {
        tellError(stoppedBy);
        tell(remainderText(remaining, stoppedBy.code === 'interrupted' ? null : journal));
      }
    },
  };
}

/** What there is to complain of in the end, without the stacks of the errors; what can be done about them is often the same. */
function heldComplaints() {
  const held = jsonList<string[] | (Told & { user: string; hintNumber: number })>();
  const hints: (string | undefined)[] = [];
  const numbers = new Map<string | undefined, number>();

  const numberOf = (hint: string | undefined): number => {
    const number = numbers.get(hint) ?? hints.push(hint) - 1;
    numbers.set(hint, number);
    return number;
  };
  return {
    error(user: string, { code, message, problems, hint }: Told): void {
      held.push({ user, code, message, problems, hint: undefined, hintNumber: numberOf(hint) });
    },
    lines: (lines: string[]) => held.push(lines),
    tell(): void {
      for (const each of held) {
        if (Array.isArray(each)) tell(...each);
        else tellError({ ...each, hint: hints[each.hintNumber] }, each.user);
      }
    },
  };
}

function lastLines(summary: Summary, dryRun: boolean, ldif: string | undefined, journal: string | null): string[] {
  const { undelivered = 0 } = summary;
  const lines = [summaryLine(summary, dryRun, ldif)];
  if (journal !== null) lines.push(`journal: ${journal}`);
  if (undelivered > 0) lines.push(`the same command, with --deploy-hook, delivers what was not delivered`);
  return lines;
}

function remainderText(remaining: number | null, journal: string | null): string {
  const rest = remaining === 1 ? '1 user is left as it was' : `${remaining ?? 'the other'} users are left as they were`;
  return journal === null ? rest : `${rest}; ${command('resume', [journal])} goes on with the run`;
}

function tellLeftKeys(left: readonly LeftKeys[], { out, journal }: RunEnd['keys']): void {
  for (const keys of left) tell(leftKeysText(keys));
  if (left.some(({ kind }) => kind === 'orphaned')) {
    const named = journal === null ? [] : [['--journal', journal] as const];
    const line = command('keys', [], ['--out', out], ...named);
    tell(`${line} lists such files, and removes them with --remove-orphaned --yes`);
  }
}

/** Only its owner can remove what a key sink has. */
export function withSinkText(account: string, digest: string): string {
  return `the key sink has a key of ${account} whose certificate ${digest} is not registered: remove it there`;
}

function leftKeysText(keys: LeftKeys): string {
  if (keys.kind === 'orphaned') return `no registered certificate belongs to ${keys.path}`;
  if (keys.kind === 'handed-over') {
    return withSinkText(keys.account, keys.digest);
  }
  return `${keys.why}: the key set has the name ${keys.path} now, and is not used`;
}

function undeliveredLines({ user, items }: UserResult): string[] {
  return items.flatMap(({ machine, delivery }) => {
    const where = `for ${user.account} on ${machine ?? '(no machine)'}`;
    if (delivery === undefined || delivery.state === 'delivered') return [];
    if (delivery.hook === null) return [`the certificate ${where} is registered and was not delivered yet`];
    const { status, output } = delivery.hook;
    const said = output.trim() === '' ? [] : output.trim().split('\n');
    return [
      `the deploy hook failed ${where}: ${status}; the certificate is registered`,
      ...said.map((line) => `  ${line}`),
    ];
  });
}

function userParagraphs({ user, plan, items, doneBefore }: UserResult, dryRun: boolean): string[][] {
  if (dryRun && plan !== null) return [[user.account, ...planLines(plan), ...refusalLines(plan)]];
  const succeeded = items.filter(({ action }) => action !== 'failed');
  return succeeded.length === 0 ? [] : [[user.account, ...itemLines(succeeded, doneBefore ?? false)]];
}

function refusalLines({ refusal }: UserPlan): string[] {
  return refusal === null ? [] : [`  ${colours.yellow('refused without --yes')}: ${refusal.message}`];
}

const itemColour = {
  added: colours.green,
  replaced: colours.green,
  removed: colours.yellow,
  unchanged: colours.dim,
  failed: colours.red,
};

function itemLines(items: readonly ItemResult[], doneBefore: boolean): string[] {
  const rows = items.map(({ action, machine, digest, files }) => [
    `  ${itemColour[action](action)}`,
    machine ?? (digest === null && action === 'unchanged' ? 'nothing to do' : '(no machine)'),
    digest ?? '',
    files === null ? '' : mainFile(files),
    doneBefore ? 'done before' : '',
  ]);
  return table(rows);
}

function summaryLine(summary: Summary, dryRun: boolean, ldif: string | undefined): string {
  const {
    users,
    added,
    removed,
    unchanged,
    failed,
    conflictsRetried,
    delivered,
    undelivered,
    doneBefore = 0,
    untouched,
    putOff = 0,
  } = summary;
  const counts = `${added} added, ${removed} removed, ${unchanged} unchanged, ${failed} failed`;
  const before = doneBefore === 0 ? '' : `, ${doneBefore} done before`;
  const retries = conflictsRetried === 0 ? '' : `, ${counted(conflictsRetried, 'lost race')} retried`;
  const deliveries = delivered === undefined ? '' : `, ${delivered} delivered, ${undelivered} not delivered`;
  const others = untouched === undefined ? '' : `; ${untouched} more left as they are`;
  const later = putOff === 0 ? '' : `, ${counted(putOff, 'certificate')} put off by --limit`;
  const spared = ldif === undefined ? 'nothing was changed' : `the changes are only written to ${ldif}`;
  const done = `${counts}${before}${deliveries}${retries}${others}${later}`;
  return `${users} ${users === 1 ? 'user' : 'users'}: ${done}${dryRun ? ` (dry run: ${spared})` : ''}`;
}
