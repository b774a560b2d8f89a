import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { applicationDataCounter } from './lossy-proxy.ts';

export interface GateProxy {
  /** ldaps://127.0.0.1:<port>; the lab's certificates are good for it. */
  url: string;
  /** Resolves when this many requests stand before the gate. */
  held(count: number): Promise<void>;
  /** Lets the requests that stand before it through, and all later ones. */
  open(): void;
  close(): Promise<void>;
}

/**
 * A TCP proxy on loopback in front of an LDAPS server that holds back every request of at least `minimumBytes` encrypted
 * bytes, but about the first `passing` of them, until it is opened. The size tells a modify with a certificate from binds
 * and searches.
 */
export async function gateProxy(targetIp: string, { minimumBytes = 700, passing = 0 } = {}): Promise<GateProxy> {
  let isOpen = false;
  let passed = 0;
  const waiting = new Set<() => void>();
  const watchers: { count: number; resolve: () => void }[] = [];
  const sockets = new Set<Socket>();

  const hold = (letThrough: () => void) => {
    waiting.add(letThrough);
    for (const { count, resolve } of watchers) if (waiting.size >= count) resolve();
  };

  const server = createServer((client) => {
    const upstream = connect(636, targetIp);
    let held: Buffer[] | null = null;
    let counted = 0;
    const request = applicationDataCounter();
    const letThrough = () => {
      for (const bytes of held ?? []) upstream.write(bytes);
      held = null;
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        waiting.delete(letThrough);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (bytes) => {
      const size = request.add(bytes);
      const begun = Math.floor(size / minimumBytes);
      passed += Math.max(0, begun - counted);
      counted = Math.max(begun, counted);
      if (held === null && !isOpen && begun > 0 && passed > passing) {
        held = [];
        hold(letThrough);
      }
      if (held === null) upstream.write(bytes);
      else held.push(bytes);
    });
    upstream.on('data', (bytes) => {
      request.reset();
      counted = 0;
      client.write(bytes);
    });
  });

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `ldaps://127.0.0.1:${port}`,
    held: (count) =>
      new Promise((resolve) => {
        watchers.push({ count, resolve });
        if (waiting.size >= count) resolve();
      }),
    open: () => {
      isOpen = true;
      for (const letThrough of waiting) letThrough();
      waiting.clear();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
