import type { TLSSocket } from 'node:tls';
import { BerReader, Client, type Message, MessageParser, PagedResultsControl, SearchResponse } from 'ldapts';
import { MsmqCertError } from '../../../errors.ts';
import type { LdapAddress } from '../address.ts';
import { overstepped } from '../errors.ts';
import { type MessageShape, SEARCH_ENTRY, SEARCH_REFERENCE, shapeOf } from './message-shape.ts';
import { BadMessage, MOST_AFTER_BIND, MOST_BEFORE_BIND, messageGatherer, TooMuch } from './messages.ts';
import { PageControl } from './page-control.ts';
import { ByteEntry } from './search-entry.ts';

/** What the entries of all searches that have not ended may take together, in bytes: some pages of full entries. */
const MOST_UNFINISHED = 256 * 1024 * 1024;
/** What an element of a message takes besides its bytes once it is read, about. */
const ELEMENT_BYTES = 128;
const MESSAGE_BYTES = 4096;
/** Messages that answer nothing. A server has one such to send: that it is going to hang up (RFC 4511 §4.4). */
const MOST_UNASKED = 16;

export interface GuardedClient {
  client: Client;
  /** To be called once the server has let us in: answers may be larger from then on. */
  authenticated(): void;
}

/**
 * Puts a client on an established socket, and something between them that hands on whole messages only, well-formed and
 * answering a request, within limits. A server that oversteps them is hung up on, and every request that waits for an
 * answer fails with an error that says so.
 *
 * ldapts connects again by itself when a connection is gone, and would then go on without a bind: here it asks for the
 * one socket a second time and gets none.
 */
export function guardedClient(socket: TLSSocket, address: LdapAddress, timeout: number): GuardedClient {
  let taken = false;
  const createConnection = () => {
    if (taken || socket.readyState !== 'open') throw new Error('the connection is closed');
    taken = true;
    return socket;
  };
  const client = new Client({ url: 'ldap://established', timeout, createConnection });
  const limits = { message: MOST_BEFORE_BIND, unfinished: MOST_BEFORE_BIND };
  guardParser(parserOf(client), socket, address, limits);
  const authenticated = () => Object.assign(limits, { message: MOST_AFTER_BIND, unfinished: MOST_UNFINISHED });
  return { client, authenticated };
}

/** ldapts gives no way to its parser but this private field; see its version in package.json. */
function parserOf(client: Client): MessageParser {
  const parser: unknown = Reflect.get(client, 'messageParser');
  if (parser instanceof MessageParser) return parser;
  throw new MsmqCertError('internal', 'the installed version of ldapts is not one that this msmq-cert works with', {
    hint: 'install msmq-cert anew with the versions that it names',
  });
}

type Pending = Parameters<MessageParser['read']>[1];

function guardParser(
  parser: MessageParser,
  socket: TLSSocket,
  address: LdapAddress,
  limits: { message: number; unfinished: number },
): void {
  const read = parser.read.bind(parser);
  const gather = messageGatherer(() => limits.message);
  const watch = watchAnswers(limits);
  let over = false;
  let answered: Message | null = null;

  parser.prependListener('message', (message) => {
    if (answered !== null && message instanceof SearchResponse) noteCookie(answered, message);
  });

  const handOn = (message: Buffer, pending: Pending): void => {
    const shape = shapeOf(message);
    if (!watch.isWanted(shape.id, pending)) return;
    watch.note(shape, message.length);
    answered = pending.get(String(shape.id))?.message ?? null;
    if (shape.operation === SEARCH_ENTRY) parser.emit('message', entryIn(message, shape.id));
    else read(message, pending);
  };

  const hangUp = (error: BadMessage, pending: Pending): void => {
    over = true;
    for (const id of [...pending.keys()]) {
      // with these details the client rejects the one request
      const details = { messageDetails: { messageId: Number(id) } };
      parser.emit('error', Object.assign(overstepped(address, error), details));
    }
    socket.destroy();
  };

  parser.read = (chunk, pending) => {
    if (over) return;
    try {
      for (const message of gather(chunk)) handOn(message, pending);
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error;
      hangUp(error, pending);
    }
  };
}

/** Counts what has come for searches that have not ended, and what nobody asked for. */
function watchAnswers(limits: { unfinished: number }) {
  const entriesOf = new Map<number, number>();
  let unfinished = 0;
  let unasked = 0;
  return {
    isWanted(id: number, pending: Pending): boolean {
      if (pending.has(String(id))) return true;
      if (++unasked > MOST_UNASKED) throw new TooMuch(`more than ${MOST_UNASKED} messages that answer nothing`);
      return false;
    },
    note({ id, operation, elements }: MessageShape, bytes: number): void {
      if (operation !== SEARCH_ENTRY && operation !== SEARCH_REFERENCE) {
        unfinished -= entriesOf.get(id) ?? 0;
        entriesOf.delete(id);
        return;
      }
      const cost = bytes + MESSAGE_BYTES + elements * ELEMENT_BYTES;
      entriesOf.set(id, (entriesOf.get(id) ?? 0) + cost);
      unfinished += cost;
      if (unfinished > limits.unfinished) throw new TooMuch(`more than ${limits.unfinished} bytes without an end`);
    },
  };
}

/** ldapts keeps what the server says of the next page to itself. */
function noteCookie(request: Message, { controls = [] }: SearchResponse): void {
  const asked = request.controls?.find((control) => control instanceof PageControl);
  const said = controls.find((control) => control instanceof PagedResultsControl);
  if (asked !== undefined) asked.next = said?.value?.cookie ?? null;
}

function entryIn(message: Buffer, messageId: number): ByteEntry {
  const entry = new ByteEntry({ messageId });
  const reader = new BerReader(message);
  reader.readSequence();
  reader.readInt();
  reader.readSequence();
  entry.parse(reader, []);
  return entry;
}
