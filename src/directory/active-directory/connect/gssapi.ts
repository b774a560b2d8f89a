import type { TLSSocket } from 'node:tls';
import { MsmqCertError } from '../../../errors.ts';
import { beginKerberos, type KerberosContext } from '../../../native/kerberos/kerberos.ts';
import type { LdapAddress } from '../address.ts';
import { connectTimedOut, operationFailed, Result } from '../errors.ts';
import { bindRefused } from './bind-errors.ts';
import { tlsServerEndPoint } from './channel-binding.ts';
import { type SaslAnswer, saslStep } from './sasl.ts';

const MECHANISM = 'GSSAPI';
const NO_SECURITY_LAYER = 1;
/** "No security layer", and so no buffer for one (RFC 4752 §3.1). The name to act as is left out: our own. */
const NO_SECURITY_LAYER_CHOSEN = Buffer.from([NO_SECURITY_LAYER, 0, 0, 0]);
const EMPTY = Buffer.alloc(0);

/**
 * Binds with Kerberos (SASL GSSAPI, RFC 4752) on a connection that TLS protects already, before a client takes it over. The
 * bind is tied to that connection: whoever passes it on through another one is refused by a server that looks.
 * @throws MsmqCertError bind-refused, credentials-missing, not-available, directory-unreachable, directory-timeout
 */
export async function bindWithKerberos(
  socket: TLSSocket,
  address: LdapAddress,
  principal: string | null,
  timeoutMs: number,
): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs);
  let messageId = 0;
  const send = async (token: Buffer): Promise<SaslAnswer> => {
    try {
      return await saslStep(socket, ++messageId, MECHANISM, token, signal);
    } catch (error) {
      throw signal.aborted ? connectTimedOut(address, error) : operationFailed(address, error);
    }
  };
  const context = await beginKerberos({
    service: 'ldap',
    host: address.host,
    principal,
    channelBinding: channelBindingOf(socket, address),
  });
  try {
    const offer = await agree(context, address, send);
    requireNoSecurityLayer(address, offer);
    const done = await send(await context.wrap(NO_SECURITY_LAYER_CHOSEN));
    if (done.code !== Result.success) throw refusedFor(context, address, done);
  } finally {
    context.close();
  }
}

function channelBindingOf(socket: TLSSocket, address: LdapAddress): Buffer {
  const certificate = socket.getPeerX509Certificate();
  if (certificate !== undefined) return tlsServerEndPoint(certificate);
  throw new MsmqCertError('tls-untrusted', `${address.host} showed no certificate to tie the Kerberos bind to`, {
    hint: 'give the domain controller a certificate',
  });
}

/** Exchanges tokens until both sides are proven; returns the server's offer of security layers. */
async function agree(
  context: KerberosContext,
  address: LdapAddress,
  send: (token: Buffer) => Promise<SaslAnswer>,
): Promise<Buffer> {
  let token = await context.step(EMPTY);
  for (;;) {
    const complete = context.principal() !== null;
    const answer = await send(token);
    if (answer.code !== Result.saslBindInProgress) throw refusedFor(context, address, answer);
    if (complete) return await context.unwrap(answer.credentials);
    token = await context.step(answer.credentials);
  }
}

function refusedFor(context: KerberosContext, address: LdapAddress, answer: SaslAnswer): MsmqCertError {
  return bindRefused(address, context.principal() ?? 'the Kerberos ticket', 'kerberos', answer);
}

function requireNoSecurityLayer(address: LdapAddress, [layers = 0]: Buffer): void {
  if ((layers & NO_SECURITY_LAYER) !== 0) return;
  throw new MsmqCertError('bind-refused', `${address.host} wants to sign or encrypt inside TLS, which would be twice`, {
    hint: 'let the domain controller accept TLS in place of signing, as Windows does, or bind with --auth simple',
  });
}
