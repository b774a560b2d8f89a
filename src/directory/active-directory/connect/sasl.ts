import { on } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { Ber, BerReader, BerWriter } from 'ldapts';
import { MOST_BEFORE_BIND, messageGatherer } from './messages.ts';

/** What a server says to one step of a SASL bind (RFC 4511 §4.2.2). */
export interface SaslAnswer {
  /** An LDAP result code: 0 when the bind is done, 14 when the server wants another step. */
  code: number;
  diagnostic: string;
  /** The server's half of the step, empty when it sent none. */
  credentials: Buffer;
}

const BIND_REQUEST = 0x60;
const BIND_RESPONSE = 0x61;
const SASL = 0xa3;
const REFERRAL = 0xa3;
const SERVER_CREDENTIALS = 0x87;

/** A BindRequest message with SASL credentials (RFC 4511 §4.2). */
export function encodeSaslBind(messageId: number, mechanism: string, credentials: Buffer): Buffer {
  // a ticket can be larger than what BerWriter grows to by itself
  const writer = new BerWriter({ size: credentials.length + 1024 });
  writer.startSequence();
  writer.writeInt(messageId);
  writer.startSequence(BIND_REQUEST);
  writer.writeInt(3);
  writer.writeString('');
  writer.startSequence(SASL);
  writer.writeString(mechanism);
  writer.writeBuffer(credentials, Ber.OctetString);
  writer.endSequence();
  writer.endSequence();
  writer.endSequence();
  return writer.buffer;
}

/**
 * The answer at the start of `received`, null while it is not whole. ldapts reads the credentials of a BindResponse as
 * text, which loses bytes.
 * @throws Error when it is no BindResponse
 */
export function decodeBindResponse(received: Buffer): SaslAnswer | null {
  const reader = new BerReader(received);
  if (reader.readSequence() === null || reader.remain < reader.length) return null;
  reader.setBufferSize(reader.offset + reader.length);
  reader.readInt();
  if (reader.readSequence() !== BIND_RESPONSE) throw new Error('the server answered the bind with something else');
  const code = reader.readEnumeration() ?? 0;
  reader.readString();
  const diagnostic = reader.readString() ?? '';
  if (reader.peek() === REFERRAL) reader.readString(REFERRAL, true);
  const credentials = reader.peek() === SERVER_CREDENTIALS ? reader.readString(SERVER_CREDENTIALS, true) : null;
  return { code, diagnostic, credentials: credentials ?? Buffer.alloc(0) };
}

/**
 * Sends one step of a SASL bind and waits for the answer. Nobody else may read from the socket meanwhile.
 * @throws Error when the connection ends, is no LDAP or the signal fires
 */
export async function saslStep(
  socket: TLSSocket,
  messageId: number,
  mechanism: string,
  credentials: Buffer,
  signal: AbortSignal,
): Promise<SaslAnswer> {
  socket.write(encodeSaslBind(messageId, mechanism, credentials));
  const gather = messageGatherer(() => MOST_BEFORE_BIND);
  for await (const [chunk] of on(socket, 'data', { signal, close: ['end', 'close'] })) {
    for (const message of gather(chunk)) {
      const answer = decodeBindResponse(message);
      if (answer !== null) return answer;
    }
  }
  throw new Error('the server closed the connection during the bind');
}
