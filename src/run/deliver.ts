import { standings } from '../blob/registered.ts';
import { passphraseFrom } from '../certificate/key-files/key-files.ts';
import { type Directory, userKey } from '../directory/directory.ts';
import { toMsmqCertError } from '../errors.ts';
import type { Delivered, Deliveries } from '../journal/deliveries.ts';
import type { Journal } from '../journal/write.ts';
import type { Delivery, ItemResult, UserResult } from '../plan/results.ts';
import { type DeployHook, runDeployHook } from './deploy-hook.ts';

export interface DeliveryContext {
  /** Null when nobody said how to deliver; what was not delivered before is then only told of. */
  hook: DeployHook | null;
  directory: Directory;
  journal: Journal;
  /** What earlier runs were asked to deliver. */
  earlier: Deliveries;
  /** The passphrase of all PFX files, null when each has its own beside it. */
  passphrase: string | null;
}

/**
 * Delivers the certificates of a user: those that were registered just now, and those that earlier runs registered and
 * did not deliver, as long as they are registered. A certificate that could not be delivered is registered all the same.
 * @throws MsmqCertError when the journal of an earlier run cannot be read any more
 */
export async function deliver(result: UserResult, context: DeliveryContext, stop: AbortSignal): Promise<UserResult> {
  if (result.outcome === 'pending') return result;
  const earlier = context.earlier(userKey(result.user));
  const { owed, hook } = await stillOwed(result, earlier, context);
  const owedDigests = new Set(owed.map(({ item }) => item.digest));
  const items: ItemResult[] = [];
  for (const item of withOwed(result, owed)) {
    const known = earlier.get(item.digest ?? '');
    const isNew = result.outcome === 'changed' && (item.action === 'added' || item.action === 'replaced');
    const isDue = owedDigests.has(item.digest) || (isNew && (known !== undefined || hook !== null));
    items.push(isDue ? { ...item, delivery: await deliverOne(result, item, known, { ...context, hook }, stop) } : item);
  }
  return { ...result, items };
}

interface Due {
  owed: Delivered[];
  hook: DeployHook | null;
}

/** What is not registered any more needs no delivery; as long as nobody can tell, it stays owed and is not tried. */
async function stillOwed(
  { user }: UserResult,
  earlier: ReadonlyMap<string, Delivered>,
  { directory, hook }: DeliveryContext,
): Promise<Due> {
  const owed = [...earlier.values()].filter(({ state }) => state !== 'delivered');
  if (owed.length === 0) return { owed, hook };
  const standing = await directory.read(user).then(standings, () => null);
  if (standing === null) return { owed, hook: null };
  return { owed: owed.filter(({ item }) => standing(item.digest ?? '') === 'registered'), hook };
}

/** The results, with the key files of what is owed; what has no result of its own gets one. */
function withOwed({ items }: UserResult, owed: readonly Delivered[]): ItemResult[] {
  const byDigest = new Map(owed.map(({ item }) => [item.digest, item]));
  const results = items.map((item) => {
    const files = item.files ?? byDigest.get(item.digest)?.files ?? null;
    byDigest.delete(item.digest);
    return { ...item, files };
  });
  const others = [...byDigest.values()].map((item): ItemResult => ({ ...item, action: 'unchanged', error: null }));
  return [...results, ...others];
}

async function deliverOne(
  { user }: UserResult,
  item: ItemResult,
  known: Delivered | undefined,
  { hook, journal, passphrase }: DeliveryContext,
  stop: AbortSignal,
): Promise<Delivery> {
  if (known?.state === 'delivered' || hook === null || stop.aborted) {
    return { state: known?.state ?? 'pending', hook: null };
  }
  try {
    const secrets = [passphrase ?? (await ownPassphrase(item))].filter((secret) => secret !== null);
    const ended = await runDeployHook(hook, user, item, secrets);
    await journal.hook(user, item, ended.outcome, ended.status, ended.output);
    return { state: ended.outcome === 'done' ? 'delivered' : 'failed', hook: ended };
  } catch (thrown) {
    const status = toMsmqCertError(thrown).message;
    return { state: 'failed', hook: { outcome: 'failed', status, output: '' } };
  }
}

/** Read before the hook, which may take the file away. */
async function ownPassphrase({ files }: ItemResult): Promise<string | null> {
  return files?.passphrase == null ? null : await passphraseFrom(files.passphrase).catch(() => null);
}
