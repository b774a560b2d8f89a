import { X509Certificate } from 'node:crypto';
import type { Client } from 'ldapts';
import { MsmqCertError } from '../../../errors.ts';
import { hostAndPort, type LdapAddress } from '../address.ts';
import { isTimeout, resultCode } from '../errors.ts';

const WHO_AM_I = '1.3.6.1.4.1.4203.1.11.3';

/**
 * Binds as whom the certificate of the TLS connection stands for (SASL EXTERNAL, RFC 4422 appendix A), and makes sure that
 * the server did take it for somebody.
 */
export async function bindWithCertificate(client: Client, address: LdapAddress, certificate: string): Promise<void> {
  await client.bind('EXTERNAL').catch((error) => {
    throw resultCode(error) === null && !isTimeout(error) ? closedOn(address, certificate, error) : error;
  });
  if ((await whoAmI(client)) !== '') return;
  throw new MsmqCertError(
    'bind-refused',
    `${hostAndPort(address)} took the client certificate "${subjectOf(certificate)}" for nobody`,
    {
      hint: 'map the certificate to an account (altSecurityIdentities, or a user principal name in the certificate)',
    },
  );
}

/** With TLS 1.3 a server refuses a certificate after the handshake has ended for the client. */
function closedOn(address: LdapAddress, certificate: string, cause: unknown): MsmqCertError {
  return new MsmqCertError(
    'directory-unreachable',
    `${hostAndPort(address)} closed the connection during the bind with the client certificate "${subjectOf(certificate)}"`,
    {
      hint: 'the server may not trust the authority of that certificate, or it was issued for another purpose than client authentication',
      cause,
    },
  );
}

/** RFC 4532; null when the server does not say. */
export async function whoAmI(client: Client): Promise<string | null> {
  try {
    return (await client.exop(WHO_AM_I)).value ?? '';
  } catch (error) {
    if (resultCode(error) !== null) return null;
    throw error;
  }
}

/** The subject in one line, for messages. */
export function subjectOf(certificate: string): string {
  return new X509Certificate(certificate).subject.replaceAll('\n', ', ');
}
