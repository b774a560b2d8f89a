import { MsmqCertError } from '../../../errors.ts';
import { kerberosFailed } from './kerberos-errors.ts';

/** The client's side of one Kerberos authentication. Tokens are bytes. */
export interface KerberosClient {
  /** alice@CORP.EXAMPLE, null until both sides are proven to each other. */
  principal(): string | null;
  step(token: Buffer): Promise<Buffer>;
  /** Signs, without encrypting. */
  wrap(message: Buffer): Promise<Buffer>;
  unwrap(message: Buffer): Promise<Buffer>;
}

/** What this tool uses of the package `kerberos`; tokens are base64. */
interface Package {
  initializeClient(service: string, options: { principal?: string; mechOID: number }): Promise<PackageClient>;
}

interface PackageClient {
  /** Known when the context is complete. On Windows `contextComplete` says so one step too early. */
  username: string | null;
  step(challenge: string): Promise<string | null>;
  wrap(challenge: string, options: object): Promise<string | null>;
  unwrap(challenge: string): Promise<string | null>;
}

const KRB5_MECHANISM = 9;

/**
 * Begins to authenticate to a service on a host: with the ticket cache or the client keytab that MIT Kerberos or Heimdal
 * are configured with, with the account that runs this process on Windows.
 * @param principal who to be, of those that have a ticket or a key; null for the default
 * @throws MsmqCertError not-available where the package cannot be loaded, and what kerberosFailed says
 */
export async function kerberosClient(service: string, host: string, principal: string | null): Promise<KerberosClient> {
  const { initializeClient } = await loadPackage();
  const name = process.platform === 'win32' ? `${service}/${host}` : `${service}@${host}`;
  const call = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error) => {
      throw kerberosFailed(`${service}/${host}`, principal, error);
    });
  const client = await call(initializeClient(name, { ...(principal && { principal }), mechOID: KRB5_MECHANISM }));
  const bytes = async (work: Promise<string | null>) => Buffer.from((await call(work)) ?? '', 'base64');
  return {
    principal: () => client.username,
    step: (token) => bytes(client.step(token.toString('base64'))),
    wrap: (message) => bytes(client.wrap(message.toString('base64'), {})),
    unwrap: (message) => bytes(client.unwrap(message.toString('base64'))),
  };
}

/** The package is built from source where it is installed and may be missing: its name is no constant for the compiler. */
async function loadPackage(name: string = 'kerberos'): Promise<Package> {
  try {
    const loaded: unknown = await import(name);
    if (isPackage(loaded)) return loaded;
    throw new TypeError(`the package ${name} has no initializeClient`);
  } catch (cause) {
    throw new MsmqCertError('not-available', 'Kerberos is not available: the package "kerberos" cannot be loaded', {
      hint: 'install it (npm install kerberos, which needs a C++ compiler and the headers of libkrb5), or bind with --auth simple or --auth external',
      cause,
    });
  }
}

function isPackage(value: unknown): value is Package {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'initializeClient') === 'function';
}
