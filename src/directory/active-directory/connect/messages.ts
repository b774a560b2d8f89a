/** What arrived is no LDAP message. `message` says what it is, for the end of a sentence. */
export class BadMessage extends Error {}
/** What arrived is more than anybody needs. */
export class TooMuch extends BadMessage {}

/**
 * What one message may take before the server has let us in, in bytes. Answers to StartTLS and binds have a few hundred,
 * with a Kerberos ticket some thousand.
 */
export const MOST_BEFORE_BIND = 64 * 1024;
/** What one message may take afterwards: an entry with every attribute at its limit has a few million bytes. */
export const MOST_AFTER_BIND = 32 * 1024 * 1024;

const LDAP_MESSAGE = 0x30;
const LONG_FORM = 0x80;
const MAX_LENGTH_BYTES = 4;

/** Takes what has arrived and gives the messages that are whole by then. */
export type Gatherer = (chunk: Buffer) => Generator<Buffer>;

/**
 * Cuts a stream of bytes into messages. A message that announces more than `most()` bytes is refused when its header is
 * there, so that no more than that is ever held. ldapts would copy what has come so far once more with every chunk of
 * 16 KiB.
 * @throws BadMessage
 */
export function messageGatherer(most: () => number): Gatherer {
  let header = Buffer.alloc(0);
  let message: { bytes: Buffer; filled: number } | null = null;

  return function* gather(chunk) {
    let rest = header.length === 0 ? chunk : Buffer.concat([header, chunk]);
    header = Buffer.alloc(0);
    while (rest.length > 0) {
      if (message === null) {
        const wanted = announcedBytes(rest);
        if (wanted === null) {
          header = Buffer.from(rest);
          return;
        }
        if (wanted > most()) throw new TooMuch(`a message of ${wanted} bytes`);
        if (wanted <= rest.length) {
          yield rest.subarray(0, wanted);
          rest = rest.subarray(wanted);
          continue;
        }
        message = { bytes: Buffer.allocUnsafe(wanted), filled: 0 };
      }
      const taken = rest.copy(message.bytes, message.filled);
      message.filled += taken;
      rest = rest.subarray(taken);
      if (message.filled < message.bytes.length) return;
      const { bytes } = message;
      message = null;
      yield bytes;
    }
  };
}

/** The bytes of a message with its header; null while the header is not whole. */
function announcedBytes(data: Buffer): number | null {
  if (data[0] !== LDAP_MESSAGE) throw new BadMessage('something that is no LDAP message');
  const first = data[1];
  if (first === undefined) return null;
  if (first < LONG_FORM) return 2 + first;
  const count = first - LONG_FORM;
  if (count === 0 || count > MAX_LENGTH_BYTES) throw new BadMessage('a message without a valid length');
  return data.length < 2 + count ? null : 2 + count + data.readUIntBE(2, count);
}
