import { sidText } from '../../names.ts';
import type { ActiveDirectory } from '../active-directory.ts';
import { readBytes } from '../read/search.ts';

/** Who we are to the directory. */
export interface Caller {
  /** DOMAIN\sAMAccountName; null when the directory tells no more than the SID. */
  account: string | null;
  /** The own SID first, then those of the groups; empty when the directory does not tell. */
  sids: string[];
}

/** Asks the directory who it takes us for: by the extended operation of RFC 4532, or by our token, which Samba has instead. */
export async function readCaller(directory: ActiveDirectory): Promise<Caller> {
  const authorization = await directory.whoAmI();
  const sids = await ownSids(directory);
  const named = /^u:(.+)$/.exec(authorization ?? '')?.[1] ?? null;
  return { account: named ?? (await accountWith(directory, sids[0])), sids };
}

async function ownSids({ search }: ActiveDirectory): Promise<string[]> {
  const rootDse = await readBytes(search, '', ['tokenGroups']);
  return (rootDse?.get('tokenGroups') ?? []).map(sidText);
}

/** Null for an account of another domain, too. */
async function accountWith(directory: ActiveDirectory, sid: string | undefined): Promise<string | null> {
  if (sid === undefined) return null;
  const user = await directory.findUser(sid).catch(() => null);
  return user?.account ?? null;
}
