import { mainFile } from '../../certificate/key-files/custody.ts';
import { counted } from '../../counted.ts';
import type { UserPlan } from '../../plan/plan.ts';
import type { ItemResult, LeftKeys, Summary, UserResult } from '../../plan/results.ts';
import { colours } from './colours.ts';
import { planLines } from './plan-text.ts';
import { table } from './table.ts';

/** One paragraph of what a user got, or would get; none when all has failed. */
export function userParagraphs({ user, plan, items, doneBefore }: UserResult, dryRun: boolean): string[][] {
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

export function undeliveredLines({ user, items }: UserResult): string[] {
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

/** Only its owner can remove what a key sink has. */
export function withSinkText(account: string, digest: string): string {
  return `the key sink has a key of ${account} whose certificate ${digest} is not registered: remove it there`;
}

export function leftKeysText(keys: LeftKeys): string {
  if (keys.kind === 'orphaned') return `no registered certificate belongs to ${keys.path}`;
  if (keys.kind === 'handed-over') {
    return withSinkText(keys.account, keys.digest);
  }
  return `${keys.why}: the key set has the name ${keys.path} now, and is not used`;
}

export function summaryLine(summary: Summary, dryRun: boolean, ldif: string | undefined): string {
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
