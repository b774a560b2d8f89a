import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** What a server showed in the TLS handshake. */
export interface ServerCertificate {
  /** TLSv1.3 */
  protocol: string;
  subject: string;
  issuer: string;
  /** The certificate of the chain that ends first, the server's own or one of its authorities. */
  endsFirst: { subject: string; at: Date };
}

/** Reads the server's certificate and the chain above it from an established connection. */
export function serverCertificate(socket: TLSSocket): ServerCertificate | null {
  const own = socket.getPeerX509Certificate();
  if (own === undefined) return null;
  const first = chainOf(own).reduce((earliest, each) => (each.validToDate < earliest.validToDate ? each : earliest));
  return {
    protocol: socket.getProtocol() ?? 'TLS',
    subject: oneLine(own.subject),
    issuer: oneLine(own.issuer),
    endsFirst: { subject: oneLine(first.subject), at: first.validToDate },
  };
}

function chainOf(certificate: X509Certificate): X509Certificate[] {
  const { issuerCertificate: above } = certificate;
  // a root is its own issuer
  const isLast = above === undefined || above.fingerprint256 === certificate.fingerprint256;
  return isLast ? [certificate] : [certificate, ...chainOf(above)];
}

function oneLine(name: string | undefined): string {
  return (name ?? '').replaceAll('\n', ', ');
}
