import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import type { Server } from './lab.ts';
import { run } from './run.ts';

const validDays = '30';

/** Makes the lab's own CA: `ca.pem` and `ca.key` in `dir`. Returns the path of the certificate. */
export async function makeCa(dir: string, signal: AbortSignal): Promise<string> {
  const key = join(dir, 'ca.key');
  const certificate = join(dir, 'ca.pem');
  await run(
    [
      ...['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', validDays],
      ...['-subj', '/CN=MSMQ lab CA', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
      ...['-keyout', key, '-out', certificate],
    ],
    { signal },
  );
  await chmod(key, 0o600);
  return certificate;
}

/**
 * Makes the TLS certificate of one domain controller, `tls.pem` and `tls.key` in `dir`. It also answers to localhost and
 * 127.0.0.1, so that a client verifies it through a proxy of the tests.
 */
export async function makeServerCertificate(
  caDir: string,
  server: Server,
  dir: string,
  signal: AbortSignal,
): Promise<void> {
  const names = [`DNS:${server.host}`, `IP:${server.ip}`, 'DNS:localhost', 'IP:127.0.0.1'];
  const key = join(dir, 'tls.key');
  await run(
    [
      ...['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', validDays],
      ...['-CA', join(caDir, 'ca.pem'), '-CAkey', join(caDir, 'ca.key'), '-subj', `/CN=${server.host}`],
      ...['-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'extendedKeyUsage=serverAuth'],
      ...['-addext', `subjectAltName=${names.join(',')}`, '-keyout', key, '-out', join(dir, 'tls.pem')],
    ],
    { signal },
  );
  await chmod(key, 0o600);
}
