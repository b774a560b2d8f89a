import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';

export interface TlsProxy {
  port: number;
  close(): Promise<void>;
}

/** Ends TLS with a certificate and key (PEM) at an address and passes everything on to LDAPS at the same address. */
export async function tlsProxy(
  address: string,
  caPem: string,
  identity: { cert: string; key: string },
): Promise<TlsProxy> {
  const sockets = new Set<TLSSocket>();
  const server = createServer(identity, (client) => {
    const upstream = connect({ host: address, port: 636, ca: caPem });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return { port, close };
}
