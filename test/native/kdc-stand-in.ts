import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { BerWriter } from 'ldapts';

export interface KdcStandIn {
  port: number;
  /** The error of the protocol (RFC 4120 §7.5.9) that every request gets from now on. */
  answerWith(code: number): void;
  close(): void;
}

/** A KDC on loopback (UDP) that refuses everything, in the process of the test: it answers only while that is not blocked. */
export async function kdcStandIn(realm: string): Promise<KdcStandIn> {
  const socket = createSocket('udp4');
  let code = 60;
  socket.on('message', (_, from) => socket.send(krbError(realm, code), from.port, from.address));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    answerWith: (next) => {
      code = next;
    },
    close: () => socket.close(),
  };
}

const APPLICATION_30 = 0x7e;
const GENERALIZED_TIME = 0x18;
const GENERAL_STRING = 0x1b;
const field = (number: number) => 0xa0 + number;

/** KRB-ERROR (RFC 4120 §5.9.1), about the service krbtgt/REALM. */
function krbError(realm: string, code: number): Buffer {
  const writer = new BerWriter();
  const integer = (number: number, value: number) => {
    writer.startSequence(field(number));
    writer.writeInt(value);
    writer.endSequence();
  };
  writer.startSequence(APPLICATION_30);
  writer.startSequence();
  integer(0, 5);
  integer(1, 30);
  writer.startSequence(field(4));
  writer.writeString(`${new Date().toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`, GENERALIZED_TIME);
  writer.endSequence();
  integer(5, 0);
  integer(6, code);
  writer.startSequence(field(9));
  writer.writeString(realm, GENERAL_STRING);
  writer.endSequence();
  writer.startSequence(field(10));
  writer.startSequence();
  integer(0, 2);
  writer.startSequence(field(1));
  writer.startSequence();
  for (const part of ['krbtgt', realm]) writer.writeString(part, GENERAL_STRING);
  for (let open = 0; open < 6; open++) writer.endSequence();
  return writer.buffer;
}
