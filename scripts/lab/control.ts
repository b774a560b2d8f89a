import { connect, createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { LabError } from './lab.ts';
import { controlSocket } from './registry.ts';

/** What `ad-lab stop-dc` and `start-dc` ask of the process that keeps a lab. `dc` counts from 1. */
export interface ControlRequest {
  verb: 'stop-dc' | 'start-dc';
  dc: number;
}

/** Answers one request per connection: nothing when it is done, else the sentence that says why not. */
export async function serveControl(name: string, handle: (request: ControlRequest) => Promise<void>): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, async (socket) => {
    socket.on('error', () => {});
    try {
      await handle(JSON.parse(await text(socket)) as ControlRequest);
      socket.end();
    } catch (error) {
      socket.end(error instanceof Error ? error.message : String(error));
    }
  });
  await new Promise<void>((resolve) => server.listen(controlSocket(name), resolve));
  return server;
}

/** @throws LabError when the lab's process is gone or refuses */
export async function askKeeper(name: string, request: ControlRequest): Promise<void> {
  const socket = connect({ path: controlSocket(name), allowHalfOpen: true });
  socket.end(JSON.stringify(request));
  const refusal = await text(socket).catch((error: unknown) => {
    throw new LabError(`the lab at ${name} does not answer: it is not up`, { cause: error });
  });
  if (refusal !== '') throw new LabError(refusal);
}
