import type { ItemResult, UserResult } from '../../plan/results.ts';
import type { UnknownUser } from '../../run/run.ts';
import { errorJson, printJson, printJsonLine } from '../output.ts';
import { replicationJson } from './replication.ts';
import type { Head, RunEnd, Sink } from './run-sink.ts';

/** One document at the end. */
export function jsonSink(head: Head): Sink {
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
export function ndjsonSink(head: Head): Sink {
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
