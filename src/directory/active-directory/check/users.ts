import { command } from '../../../advice.ts';
import { MAX_BLOB_BYTES } from '../../../blob/codec.ts';
import { examine } from '../../../blob/findings.ts';
import type { Pair } from '../../../blob/pair.ts';
import type { User } from '../../directory.ts';
import { nameForCommand } from '../../names.ts';
import { isInShard, type Shard } from '../../shard.ts';
import type { ActiveDirectory } from '../active-directory.ts';
import { BLOB, DIGESTS } from '../read/search.ts';
import { mayRead } from '../rights/access-list.ts';
import { BLOB_ATTRIBUTE, DIGESTS_ATTRIBUTE } from '../rights/attribute-schema.ts';
import type { Caller } from '../rights/caller.ts';
import { notWritable, writableAttributes } from '../rights/write-rights.ts';
import { entryBase } from '../write/swap.ts';
import { type Finding, failed, failure, make, ok, type Report, warning } from './checks.ts';

/** What one has to be allowed to do with a user, and whether there is room for more certificates. */
export async function checkUser(
  directory: ActiveDirectory,
  caller: Caller,
  name: string,
  { maxCertificates, shard }: { maxCertificates: number; shard: Shard | null },
  report: Report,
): Promise<void> {
  const user = await findUser(directory, name, shard, report);
  if (user === null) return;
  const pair = await checkReading(directory, caller, user, report);
  await make(report, 'write-rights', () => checkWriting(directory, user));
  if (user.protected) report({ name: 'protected-account', ...protectedAccount(user) });
  if (pair !== null) report({ name: 'room', ...roomLeft(user, pair, maxCertificates) });
}

/** Null also for a user of another shard, whom nothing is said of. */
async function findUser(
  directory: ActiveDirectory,
  name: string,
  shard: Shard | null,
  report: Report,
): Promise<User | null> {
  try {
    const user = await directory.findUser(name);
    if (shard !== null && !isInShard(user, shard)) return null;
    report({ name: 'user', ...ok(`${user.account} is ${user.dn}`) });
    return user;
  } catch (error) {
    report({ name: 'user', ...failure(error) });
    return null;
  }
}

/** The pair, null when what was read may not be all there is. */
async function checkReading(
  directory: ActiveDirectory,
  caller: Caller,
  user: User,
  report: Report,
): Promise<Pair | null> {
  try {
    const pair = await directory.read(user);
    const finding = await readRights(directory, caller, user, pair);
    report({ name: 'read-rights', ...finding });
    return finding.status === 'failed' ? null : pair;
  } catch (error) {
    report({ name: 'read-rights', ...failure(error) });
    return null;
  }
}

async function readRights({ search }: ActiveDirectory, caller: Caller, user: User, pair: Pair): Promise<Finding> {
  const seen = pair.blob !== null && pair.digests.length > 0;
  const both = [BLOB_ATTRIBUTE, DIGESTS_ATTRIBUTE];
  const allowed = seen || (await mayRead(search, entryBase(user), both, caller.sids));
  if (allowed) return ok(`this account may read ${BLOB} and ${DIGESTS} of ${user.account}`);
  if (allowed === null) {
    return warning(
      `${user.account} shows no certificates, and whether this account may see them cannot be told`,
      'compare with an account that is known to see them',
    );
  }
  return failed(
    `this account may not read ${BLOB} and ${DIGESTS} of ${user.account}: they look empty to it, whatever they hold`,
    `grant it the right to read both: ${delegationHint(user)}`,
  );
}

async function checkWriting({ search }: ActiveDirectory, user: User): Promise<Finding> {
  const writable = await writableAttributes(search, entryBase(user));
  const missing = notWritable(writable);
  if (missing.length > 0) {
    return failed(
      `this account may not write ${missing.join(' and ')} of ${user.account}`,
      user.protected
        ? 'only administrators write to a protected account: use one, or take the user out of the protected groups'
        : `grant it the right to write both: ${delegationHint(user)}`,
    );
  }
  const others = writable.length - [BLOB, DIGESTS].length;
  const rest = others === 0 ? 'and nothing else' : `and ${others} other attributes`;
  return ok(`this account may write ${BLOB} and ${DIGESTS} of ${user.account}, ${rest}`);
}

function delegationHint({ dn }: User): string {
  return `with the name of a group for GROUP, ${command('check', [], ['--delegation', 'GROUP'], ['--ou', parentOf(dn)])} prints how`;
}

function parentOf(dn: string): string {
  const [, parent] = /^(?:\\.|[^\\,])*,(.*)$/s.exec(dn) ?? [];
  return parent ?? dn;
}

function protectedAccount({ account }: User): Finding {
  return warning(
    `${account} is a protected account: it cannot register certificates itself, and rights delegated to others are taken away again`,
    'write as an administrator; if it is in no protected group any more, clear its adminCount and restore the inheritance of rights',
  );
}

const NEARLY_FULL = 0.9;

function roomLeft(user: User, pair: Pair, maxCertificates: number): Finding {
  const { account } = user;
  const examination = examine(pair);
  if (examination.kind === 'malformed') return failure(examination.error);
  const certificates = Math.max(examination.entries.length, pair.digests.length);
  const bytes = pair.blob?.length ?? 0;
  const message = `${account} has ${certificates} of ${maxCertificates} certificates and ${bytes} of ${MAX_BLOB_BYTES} bytes`;
  const share = Math.max(certificates / maxCertificates, bytes / MAX_BLOB_BYTES);
  const remedy = `${command('list', [nameForCommand(user)])} shows the certificates that nobody needs, and prune removes them`;
  if (share >= 1) return failed(`${message}: there is no room for another`, remedy);
  return share >= NEARLY_FULL ? warning(message, remedy) : ok(message);
}
