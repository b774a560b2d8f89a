import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

const tlsApplicationData = 23;
const tlsRecordHeader = 5;

export interface LossyProxy {
  /** ldaps://127.0.0.1:<port>; the lab's certificates are good for it. */
  url: string;
  /**
   * Loses the server's reply to the next request of at least `minimumBytes` encrypted bytes: the request goes through whole,
   * and when the server has begun to answer, which is after it committed, both sides are cut. The promise resolves then, and
   * later connections pass unharmed. The size tells a modify with a certificate (over 700 bytes) from binds and
   * searches; without one, call it only while a connection is established and quiet.
   */
  loseReply(minimumBytes?: number): Promise<void>;
  close(): Promise<void>;
}

/** What the proxy does with the server's bytes: pass them, pass them until a big enough request was seen, or cut. */
type Mode =
  | { kind: 'passing' }
  | { kind: 'armed'; minimumBytes: number; onCut: () => void }
  | { kind: 'cutting'; connection: Socket; onCut: () => void };

/** A TCP proxy on loopback in front of a server that speaks TLS from the first byte (LDAPS). */
export async function lossyProxy(targetIp: string, targetPort = 636): Promise<LossyProxy> {
  let mode: Mode = { kind: 'passing' };
  const sockets = new Set<Socket>();

  const server = createServer((client) => {
    const upstream = connect(targetPort, targetIp);
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', () => {
        sockets.delete(socket);
        cut();
      });
    }
    const request = applicationDataCounter();
    client.on('data', (bytes) => {
      const size = request.add(bytes);
      if (mode.kind === 'armed' && size >= mode.minimumBytes) mode = { ...mode, kind: 'cutting', connection: client };
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      request.reset();
      if (mode.kind === 'cutting' && mode.connection === client) {
        const { onCut } = mode;
        mode = { kind: 'passing' };
        cut();
        onCut();
      } else {
        client.write(bytes);
      }
    });
  });

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `ldaps://127.0.0.1:${port}`,
    loseReply: (minimumBytes = 1) =>
      new Promise((resolve) => {
        mode = { kind: 'armed', minimumBytes, onCut: resolve };
      }),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Counts the encrypted bytes of a request, without the handshake; TLS records may be split over any number of chunks. */
export function applicationDataCounter() {
  let pending: Buffer = Buffer.alloc(0);
  let counted = 0;
  return {
    add(bytes: Buffer): number {
      pending = Buffer.concat([pending, bytes]);
      while (pending.length >= tlsRecordHeader) {
        const length = pending.readUInt16BE(3);
        if (pending.length < tlsRecordHeader + length) break;
        if (pending[0] === tlsApplicationData) counted += length;
        pending = pending.subarray(tlsRecordHeader + length);
      }
      return counted;
    },
    reset(): void {
      counted = 0;
    },
  };
}
