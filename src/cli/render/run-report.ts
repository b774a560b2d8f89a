import { command } from '../../advice.ts';
import { type ErrorCode, MsmqCertError } from '../../errors.ts';
import { replicationError } from '../../inspect/replication/replication.ts';
import { jsonList } from '../../packed/packed-list.ts';
import type { ItemResult, LeftKeys, Summary, UserResult } from '../../plan/results.ts';
import type { UnknownUser } from '../../run/run.ts';
import { type ExitCode, exitCodeOfError, exitCodeOfFailures, exitCodes } from '../exit-codes.ts';
import { type Told, tellError } from '../output.ts';
import type { RunSettings } from '../settings.ts';
import { isTerminal, print, tell } from '../terminal.ts';
import { replicationLines } from './replication.ts';
import { leftKeysText, summaryLine, undeliveredLines, userParagraphs } from './result-text.ts';
import { jsonSink, ndjsonSink } from './run-json.ts';
import type { Head, RunEnd, Sink } from './run-sink.ts';

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
