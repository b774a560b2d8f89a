import type { TLSSocket } from 'node:tls';
import { MsmqCertError } from '../../../errors.ts';
import type { LdapAddress } from '../address.ts';
import { connectTimedOut, operationFailed, Result } from '../errors.ts';
import { bindRefused } from './bind-errors.ts';
import { type KerberosClient, kerberosClient } from './kerberos.ts';
import { type SaslAnswer, saslStep } from './sasl.ts';

const MECHANISM = 'GSSAPI';
const NO_SECURITY_LAYER = 1;
/** "No security layer", and so no buffer for one (RFC 4752 §3.1). The name to act as is left out: our own. */
const NO_SECURITY_LAYER_CHOSEN = Buffer.from([NO_SECURITY_LAYER, 0, 0, 0]);
const EMPTY = Buffer.alloc(0);

/**
 * Binds with Kerberos (SASL GSSAPI, RFC 4752) on a connection that TLS protects already, before a client takes it over.
 * @throws MsmqCertError bind-refused, credentials-missing, not-available, directory-unreachable, directory-timeout
 */
export async function bindWithKerberos(
  socket: TLSSocket,
  address: LdapAddress,
  principal: string | null,
  timeoutMs: number,
): Promise<void> {
  const client = await kerberosClient('ldap', address.host, principal);
  const signal = AbortSignal.timeout(timeoutMs);
  let messageId = 0;
  const send = async (token: Buffer): Promise<SaslAnswer> => {
    try {
      return await saslStep(socket, ++messageId, MECHANISM, token, signal);
    } catch (error) {
      throw signal.aborted ? connectTimedOut(address, error) : operationFailed(address, error);
    }
  };
  const offer = await agree(client, address, send);
  requireNoSecurityLayer(address, offer);
  const done = await send(await client.wrap(NO_SECURITY_LAYER_CHOSEN));
  if (done.code !== Result.success) throw refusedFor(client, address, done);
}

/** Exchanges tokens until both sides are proven; returns the server's offer of security layers. */
async function agree(
  client: KerberosClient,
  address: LdapAddress,
  send: (token: Buffer) => Promise<SaslAnswer>,
): Promise<Buffer> {
  let token = await client.step(EMPTY);
  for (;;) {
    const complete = client.principal() !== null;
    const answer = await send(token);
    if (answer.code !== Result.saslBindInProgress) throw refusedFor(client, address, answer);
    if (complete) return await client.unwrap(answer.credentials);
    token = await client.step(answer.credentials);
  }
}

function refusedFor(client: KerberosClient, address: LdapAddress, answer: SaslAnswer): MsmqCertError {
  return bindRefused(address, client.principal() ?? 'the Kerberos ticket', 'kerberos', answer);
}

function requireNoSecurityLayer(address: LdapAddress, [layers = 0]: Buffer): void {
  if ((layers & NO_SECURITY_LAYER) !== 0) return;
  throw new MsmqCertError('bind-refused', `${address.host} wants to sign or encrypt inside TLS, which would be twice`, {
    hint: 'let the domain controller accept TLS in place of signing, as Windows does, or bind with --auth simple',
  });
}
