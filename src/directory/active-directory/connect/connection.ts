import type { TLSSocket } from 'node:tls';
import { type Client, SASL_MECHANISMS } from 'ldapts';
import { MsmqCertError } from '../../../errors.ts';
import type { LdapAddress } from '../address.ts';
import { isTimeout, operationFailed, resultCode } from '../errors.ts';
import { bindFailed, credentialsMissing } from './bind-errors.ts';
import { bindWithCertificate, subjectOf } from './external.ts';
import { bindWithKerberos } from './gssapi.ts';
import { guardedClient } from './guarded-client.ts';
import { openSecureSocket, type Trust } from './tls.ts';

/**
 * How to prove who we are. `simple`: `name` is a distinguished name, a UPN or DOMAIN\user. `kerberos`: a ticket or a
 * keytab that the Kerberos library finds by itself, or the account that runs this process on Windows; `principal` picks one
 * of several. `external`: a client certificate and its key, both PEM.
 */
export type Credentials =
  | { kind: 'simple'; name: string; password: string }
  | { kind: 'kerberos'; principal: string | null }
  | { kind: 'external'; certificate: string; key: string };

export interface Access {
  address: LdapAddress;
  credentials: Credentials;
  trust: Trust;
  connectTimeoutMs: number;
  operationTimeoutMs: number;
}

/** One encrypted and authenticated connection. It ends with its socket and never comes back unauthenticated. */
export interface Connection {
  client: Client;
  socket: TLSSocket;
}

/**
 * Connects and binds.
 * @throws MsmqCertError directory-unreachable, directory-timeout, tls-untrusted, bind-refused, credentials-missing
 */
export async function openConnection(access: Access): Promise<Connection> {
  const { address, credentials } = access;
  requireCredentials(credentials);
  const identity = credentials.kind === 'external' ? credentials : null;
  const socket = await openSecureSocket(address, access.trust, access.connectTimeoutMs, identity);
  // an error that arrives while nobody waits for one would end the process
  socket.on('error', () => {});
  const { client, authenticated } = guardedClient(socket, address, access.operationTimeoutMs);
  const connection = { client, socket };
  try {
    await authenticate(connection, access);
    authenticated();
    return connection;
  } catch (error) {
    socket.destroy();
    throw bindFailed(address, nameOf(credentials), credentials.kind, error);
  }
}

function requireCredentials(credentials: Credentials): void {
  if (credentials.kind !== 'simple') return;
  if (credentials.name === '' || credentials.password === '') throw credentialsMissing(credentials.name);
}

/** Who wants in, for messages. */
function nameOf(credentials: Credentials): string {
  switch (credentials.kind) {
    case 'simple':
      return credentials.name;
    case 'kerberos':
      return credentials.principal ?? 'the Kerberos ticket';
    case 'external':
      return subjectOf(credentials.certificate);
  }
}

async function authenticate({ client, socket }: Connection, access: Access): Promise<void> {
  const { address, credentials, operationTimeoutMs } = access;
  switch (credentials.kind) {
    case 'simple':
      // ldapts would take these words for the name of a mechanism
      if (SASL_MECHANISMS.some((mechanism) => mechanism === credentials.name)) throw mechanismName(credentials.name);
      return await client.bind(credentials.name, credentials.password);
    case 'kerberos':
      return await bindWithKerberos(socket, address, credentials.principal, operationTimeoutMs);
    case 'external':
      return await bindWithCertificate(client, address, credentials.certificate);
  }
}

function mechanismName(name: string): MsmqCertError {
  return new MsmqCertError('bind-refused', `"${name}" cannot be told from the name of a bind mechanism`, {
    hint: `write it as DOMAIN\\${name}`,
  });
}

export function isAlive({ socket }: Connection): boolean {
  return !socket.destroyed;
}

/** Keeps one connection for many operations at the same time. */
export interface Link {
  /** The live connection, a new one if the last was lost. Callers at the same time share a single attempt. */
  connection(): Promise<Connection>;
  /** Unbinds; whatever is asked for afterwards is refused. */
  close(): Promise<void>;
}

export function keepConnected(first: Connection, open: () => Promise<Connection>): Link {
  let current: Promise<Connection> | null = Promise.resolve(first);
  let closed = false;

  async function connection(): Promise<Connection> {
    for (;;) {
      if (closed) throw linkClosed();
      current ??= open();
      const attempt = current;
      const live = await attempt.catch((error) => {
        if (current === attempt) current = null;
        throw error;
      });
      if (isAlive(live)) return live;
      if (current === attempt) current = null;
    }
  }

  async function close(): Promise<void> {
    closed = true;
    const last = await current?.catch(() => null);
    current = null;
    await last?.client.unbind();
    // a client that was never used does not know its socket yet
    last?.socket.destroy();
  }

  return { connection, close };
}

function linkClosed(): MsmqCertError {
  return new MsmqCertError('directory-unreachable', 'the connection to the directory is closed', {
    hint: 'open a new one',
  });
}

const READ_ATTEMPTS = 3;

/**
 * Runs an operation that may be done twice without harm, again on a new connection when the connection was lost.
 * @throws MsmqCertError for whatever the operation throws, and when there is no connection to be had
 */
export async function readThrough<T>(
  link: Link,
  address: LdapAddress,
  operation: (client: Client) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const connection = await link.connection();
    try {
      return await operation(connection.client);
    } catch (error) {
      if (error instanceof MsmqCertError) throw error;
      const lost = resultCode(error) === null && !isTimeout(error) && !isAlive(connection);
      if (!lost || attempt === READ_ATTEMPTS) throw operationFailed(address, error);
    }
  }
}
