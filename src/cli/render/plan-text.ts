import type { DigestItem, PlanItem, UserPlan } from '../../plan/plan.ts';
import { colours } from './colours.ts';
import { table } from './table.ts';

const colour = {
  keep: colours.dim,
  delete: colours.yellow,
  add: colours.green,
  restore: colours.green,
  correct: colours.green,
};
const word = { keep: 'KEEP', delete: 'DELETE', add: 'ADD', restore: 'ADD', correct: 'CORRECT' };

/** The plan of one user: a line for each entry and digest, the count it comes to, and what people should know. */
export function planLines(plan: UserPlan): string[] {
  const rows = [...plan.items.map(itemColumns), ...plan.digests.map(digestColumns)];
  const before = plan.items.filter(({ action }) => action !== 'add' && action !== 'restore').length;
  const after = plan.items.filter(({ action }) => action !== 'delete').length;
  return [
    ...(rows.length === 0 ? [] : table(rows)),
    `  ${before} ${before === 1 ? 'certificate' : 'certificates'} before, ${after} after`,
    ...plan.notes.map((note) => `  ${note}`),
  ];
}

function itemColumns(item: PlanItem): string[] {
  const head = `  ${colour[item.action](word[item.action])}`;
  if (item.action === 'add') {
    const { machine, source } = item.addition;
    const what = source.kind === 'external' ? source.digest : '(a new key)';
    return [head, machine ?? '(no machine)', what, item.reason];
  }
  const { registered, reason } = item;
  const why = reason === '' ? registered.findings.join(', ') : reason;
  return [head, registered.machine ?? '(no machine)', registered.digest, why];
}

function digestColumns({ action, digest, registered, reason }: DigestItem): string[] {
  const machine = registered === null ? '(digest)' : `(digest) ${registered.machine ?? ''}`.trimEnd();
  return [`  ${colour[action](word[action])}`, machine, digest, reason];
}
