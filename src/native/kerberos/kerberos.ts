import type { KerberosContext, KerberosRequest } from './context.ts';
import { beginWithGssapi } from './gssapi.ts';
import { beginWithSspi } from './sspi.ts';

export type { KerberosContext, KerberosRequest } from './context.ts';

/**
 * Begins to authenticate to a service: with the ticket cache or the client keytab that MIT Kerberos or Heimdal are
 * configured with, with the account that runs this process on Windows.
 * @throws MsmqCertError not-available where the system's library cannot be loaded, and what kerberosFailed says
 */
export async function beginKerberos(request: KerberosRequest): Promise<KerberosContext> {
  return process.platform === 'win32' ? await beginWithSspi(request) : await beginWithGssapi(request);
}
