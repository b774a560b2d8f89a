import { MsmqCertError } from '../errors.ts';
import { loadPgpass } from './packages.ts';

/** Which database, and as whom. */
export interface Place {
  /** A name, an address, or the folder of a Unix socket. */
  host: string;
  port: number;
  user: string;
  database: string;
}

/**
 * Where a password is kept besides PostgreSQL's own places, such as the keychain; null when there is none.
 * @param where `postgres://host:port/database`
 */
export type PasswordLookup = (where: string, user: string) => Promise<string | null>;

export function isSocket(host: string): boolean {
  return host.startsWith('/');
}

/**
 * Finds the password: the one that was given (in a service or PGPASSWORD), the one of the file that PGPASSFILE of this
 * process names or else of the account's, then the one that `lookUp` knows. It looks once for all connections.
 * @returns throws MsmqCertError credentials-missing when it is called and there is none
 */
export function passwordSource(place: Place, given: string | undefined, lookUp: PasswordLookup): () => Promise<string> {
  let found: Promise<string> | null = null;
  return async () => {
    found ??= findPassword(place, given, lookUp);
    return await found;
  };
}

async function findPassword(place: Place, given: string | undefined, lookUp: PasswordLookup): Promise<string> {
  const known = given || (await fromPasswordFile(place));
  if (known) return known;
  const { kept, unavailable } = await fromLookup(place, lookUp);
  if (kept) return kept;
  const { host, port, user, database } = place;
  const ways =
    'give it with PGPASSWORD, in the file that PGPASSFILE names (chmod 600), in a service, or in the keychain';
  throw new MsmqCertError(
    'credentials-missing',
    `there is no password for ${user} in the database ${database} on ${host}:${port}`,
    {
      hint: unavailable === null ? ways : `${ways}; ${unavailable.message}`,
      cause: unavailable ?? undefined,
    },
  );
}

/** For the usual socket the file says localhost, as libpq has it. */
async function fromPasswordFile(place: Place): Promise<string | undefined> {
  const pgpass = await loadPgpass();
  const host = /^\/(var\/)?run\/postgresql\/?$/.test(place.host) ? 'localhost' : place.host;
  return await new Promise((resolve) => {
    pgpass({ ...place, host }, resolve);
  });
}

/** A machine without a keychain is told of only when nothing else had a password. */
async function fromLookup(
  { host, port, user, database }: Place,
  lookUp: PasswordLookup,
): Promise<{ kept: string | null; unavailable: MsmqCertError | null }> {
  try {
    const where = `postgres://${isSocket(host) ? encodeURIComponent(host) : host}:${port}/${database}`;
    return { kept: await lookUp(where, user), unavailable: null };
  } catch (error) {
    if (error instanceof MsmqCertError) return { kept: null, unavailable: error };
    throw error;
  }
}
