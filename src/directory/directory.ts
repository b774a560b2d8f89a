import type { Change, Pair } from '../blob/pair.ts';
import type { MsmqCertError } from '../errors.ts';

/** A user object as the directory knows it, without its certificates. */
export interface User {
  /** DOMAIN\sAMAccountName, the form used in output. */
  account: string;
  dn: string;
  /** S-1-5-…, null when the directory did not give one (a partial LDIF export). */
  sid: string | null;
  /** objectGUID in its text form, null when the directory did not give one. */
  guid: string | null;
  /** adminCount=1: AdminSDHolder has taken the right of SELF to write (specification §3). */
  protected: boolean;
  /** Only there when the object is no plain user. */
  kind?: ObjectKind;
}

/** Equal for two finds of one user: by what survives a renaming, where the directory gives it. */
export function userKey({ guid, sid, dn }: Pick<User, 'guid' | 'sid' | 'dn'>): string {
  return (guid ?? sid ?? dn).toLowerCase();
}

/**
 * What became of a swap. `conflict`: somebody changed the pair since it was read, nothing was written, read again.
 * `refused`: the directory will not take it, nothing was written.
 */
export type SwapOutcome = { kind: 'swapped' } | { kind: 'conflict' } | { kind: 'refused'; error: MsmqCertError };

/** What kind of object carries the attributes; all of them inherit them from user (specification §3). */
export type ObjectKind = 'user' | 'computer' | 'managed-service-account' | 'migrated-user';

/** Which objects a listing goes through: those of these kinds, or the named ones whatever their kind. */
export type Scope =
  | {
      kind: 'all';
      /** An LDAP filter that they must match besides, null for none. */
      filter: string | null;
      include: ReadonlySet<ObjectKind>;
    }
  | { kind: 'named'; names: readonly string[] };

/** One object of a listing. `unread`: it is there, or was asked for by this name, and cannot be read. */
export type Listed =
  | {
      kind: 'read';
      user: User;
      objectKind: ObjectKind;
      pair: Pair;
      /** mSMQDigestsMig or mSMQSignCertificatesMig has a value (specification §3). */
      legacy: boolean;
    }
  | { kind: 'unread'; name: string; error: MsmqCertError };

/** A computer account. */
export interface Computer {
  /** sAMAccountName without the dollar sign at its end. */
  name: string;
  /** Its common name, which is not cut off after 15 characters as the account's name is; null when it is not told. */
  commonName: string | null;
  dnsName: string | null;
  disabled: boolean;
  /** lastLogonTimestamp, which a domain brings up to date every 9 to 14 days; null when it has none. */
  lastLogon: Date | null;
}

/** The names by which a certificate can name a computer, in lower case. */
export function computerNames({ name, commonName, dnsName }: Computer): Set<string> {
  const names = [name, commonName, dnsName].filter((each) => each !== null);
  return new Set(names.map((each) => each.toLowerCase()));
}

/**
 * What an object other than the judged one contributes: the digests of one object, or a computer account. `unread`: it
 * may be either and cannot be read. `computers-end`: no computer account comes any more; a file, which has them among
 * the others, ends without it.
 */
export type Surrounding =
  | { kind: 'digests'; digests: Uint8Array[] }
  | { kind: 'computer'; computer: Computer }
  | { kind: 'computers-end' }
  | { kind: 'unread' };

export interface Survey {
  /**
   * How far it looks. `domain`: only into the domain with this DNS name, as no global catalog can be reached;
   * `isWholeForest` when the forest is known to have no other.
   */
  reach: { kind: 'forest' } | { kind: 'domain'; dnsName: string; isWholeForest: boolean } | { kind: 'file' };
  surroundings: AsyncIterable<Surrounding>;
}

/** Who has a digest in mSMQDigests, each object once, and how far was looked. */
export interface DigestHolders {
  reach: Survey['reach'];
  users: User[];
}

/** What was opened and by whom, as the directory itself says; null where it does not. */
export interface Provenance {
  /** The distinguished name that users are looked for below. */
  baseDn: string | null;
  /** The account that is bound, such as CORP\\alice. */
  account: string | null;
}

/** A directory whose objects can be gone through, a few at a time: the memory it takes does not depend on their number. */
export interface Listing {
  /** @throws MsmqCertError usage when the directory cannot use the filter */
  users(scope: Scope): AsyncIterable<Listed>;
  /** Every computer account within reach, and where `part` says so every digest, whatever the base DN. */
  survey(part: 'computers' | 'computers-and-digests'): Promise<Survey>;
  /**
   * The computer accounts within reach with any of these names: of the account, without the dollar sign, or the common
   * or DNS name. `areReadable` is false when no computer account at all can be read.
   */
  computersNamed(names: readonly string[]): Promise<{ computers: Computer[]; areReadable: boolean }>;
  /** Finds the objects with any of these digests within reach, as receivers look one up (specification §5). */
  findByDigest(digests: readonly Uint8Array[]): Promise<DigestHolders>;
  /** Not there for files, which nobody binds to. */
  provenance?(): Promise<Provenance>;
}

/** Where the pairs live. Every failure that is not an outcome is a thrown MsmqCertError. */
export interface Directory {
  /** The server or file that answers, for messages and the journal. */
  readonly server: string;
  /**
   * Finds the one user with this sAMAccountName, DOMAIN\user, UPN, distinguished name or SID.
   * @throws MsmqCertError user-not-found, user-ambiguous
   */
  findUser(name: string): Promise<User>;
  /**
   * Those of these names that it finds at once, far faster than one by one; null for a name that has to be looked up by
   * itself, as it stands for nobody, for several, or is of another form.
   */
  findUsers?(names: readonly string[]): Promise<(User | null)[]>;
  /** Reads both attributes, byte for byte. */
  read(user: User): Promise<Pair>;
  /** Whether this account may write both attributes, as the directory works it out; not there where nobody can tell. */
  mayWrite?(user: User): Promise<boolean>;
  /** Writes both attributes in one atomic step if, and only if, the blob still is `before.blob`. */
  swap(user: User, before: Pair, change: Change): Promise<SwapOutcome>;
  /** Where several servers stand behind it: the one that this user was last read from or written to. */
  serverOf?(user: User): string;
  /**
   * Where several servers stand behind it: the last write to this user, of an earlier run, went to this one, and nobody
   * knows its outcome. The user is gone on with there and nowhere else.
   * @param server as `serverOf` named it
   */
  stayWith?(user: User, server: string): void;
  close(): Promise<void>;
}

/** The same directory with another way to swap. */
export function withSwap(directory: Directory, swap: Directory['swap']): Directory {
  return {
    // It changes when another server takes over.
    get server() {
      return directory.server;
    },
    findUser: (name) => directory.findUser(name),
    findUsers: async (names) => (await directory.findUsers?.(names)) ?? names.map(() => null),
    read: (user) => directory.read(user),
    swap,
    serverOf: (user) => directory.serverOf?.(user) ?? directory.server,
    stayWith: (user, server) => directory.stayWith?.(user, server),
    close: () => directory.close(),
  };
}
