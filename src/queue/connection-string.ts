import { z } from 'zod';
import { MsmqCertError } from '../errors.ts';

/** What a connection string or a service may say, by the names that libpq has for it, as text. */
export type ConnectionWords = Partial<Record<string, string>>;

const port = z.coerce.number().int().min(1).max(65_535);
/** Of a connection. What is not given is left to PGHOST and the like. */
export const connectionSchema = z.strictObject({
  host: z.string().min(1).optional(),
  port: port.optional(),
  user: z.string().min(1).optional(),
  dbname: z.string().min(1).optional(),
  /** Only from a service file. */
  password: z.string().min(1).optional(),
  service: z.string().min(1).optional(),
  sslmode: z.string().optional(),
  sslrootcert: z.string().min(1).optional(),
  sslcert: z.string().min(1).optional(),
  sslkey: z.string().min(1).optional(),
  application_name: z.string().optional(),
  connect_timeout: z.coerce.number().int().min(0).max(3600).optional(),
});

const FORMS =
  'write it as postgres://user@host:5432/database, as "host=/run/postgresql dbname=database" or as service=name';
const SECRET_HINT =
  'leave the password away: it comes from PGPASSWORD, the file that PGPASSFILE names, the service that PGSERVICE names, or the keychain';

/**
 * Takes a connection string apart: a `postgres://` address or `keyword=value` words as libpq knows them. No error repeats
 * the text, which may hold a password.
 * @throws MsmqCertError usage
 */
export function parseConnectionString(text: string): ConnectionWords {
  const words = /^[a-z]+:\/\//i.test(text) ? fromAddress(text) : fromWords(text);
  if (Object.keys(words).some((name) => /^(ssl)?pass(wd|word)?$|^pwd$/i.test(name))) throw passwordInside();
  return words;
}

function fromAddress(text: string): ConnectionWords {
  const [, scheme = '', authority = '', rest = ''] = /^([a-z]+):\/\/([^/?#]*)(.*)$/is.exec(text) ?? [];
  if (!/^postgres(ql)?$/i.test(scheme)) throw malformed('begins with another scheme than postgres://');
  if (/:[^@]*@/.test(authority)) throw passwordInside();
  // a password with a / ? or # that is not encoded ends the host early, and its end has the @
  if (rest.includes('@')) throw malformed('has an @ behind the host: write it as %40');
  if (rest.includes('#')) throw malformed('has a #: write it as %23');
  const [path = '', query = ''] = rest.split(/\?(.*)/s, 2);
  const [, user, host, port] = /^(?:([^@]*)@)?(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(authority) ?? [];
  if (host === undefined) throw malformed('has no host that can be read');
  const words = {
    user: decoded(user),
    host: decoded(host.replace(/^\[(.*)\]$/, '$1')),
    port,
    dbname: decoded(path.slice(1)),
  };
  const given = Object.entries(words).filter(([, value]) => value !== undefined && value !== '');
  return { ...Object.fromEntries(given), ...Object.fromEntries(new URLSearchParams(query.replaceAll('+', '%2B'))) };
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    throw malformed('has a % that is not followed by two hexadecimal digits');
  }
}

const WORD = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)/giy;

function fromWords(text: string): ConnectionWords {
  const words: ConnectionWords = {};
  const trimmed = text.trim();
  let end = 0;
  for (const [all, name = '', quoted, bare = ''] of trimmed.matchAll(WORD)) {
    words[name] = (quoted ?? bare).replace(/\\(.)/gs, '$1');
    end += all.length;
  }
  if (end === 0 || end !== trimmed.length) throw malformed('is neither an address nor keyword=value words');
  return words;
}

/**
 * Judges the words of a connection.
 * @param source where they are from, for the sentence of an error
 * @throws MsmqCertError usage
 */
export function checkWords(words: ConnectionWords, source: string): z.infer<typeof connectionSchema> {
  const checked = connectionSchema.safeParse(words);
  if (checked.success) return checked.data;
  // what is not known may be a part of a password
  const known = Object.keys(connectionSchema.shape).filter((name) => name !== 'password');
  const bad = checked.error.issues.find(({ path }) => path[0] !== undefined)?.path[0];
  const problem = bad === undefined ? 'has a word that is not known' : `has no usable value for ${String(bad)}`;
  throw new MsmqCertError('usage', `${source} ${problem}`, { hint: `known are ${known.join(', ')}` });
}

function malformed(problem: string): MsmqCertError {
  return new MsmqCertError('usage', `the connection string of the database ${problem}`, { hint: FORMS });
}

function passwordInside(): MsmqCertError {
  return new MsmqCertError(
    'usage',
    'the connection string of the database holds a password, which others can see in the list of processes',
    { hint: SECRET_HINT },
  );
}
