import { MessageParser } from 'ldapts';

const LONG_FORM = 0x80;
const MAX_LENGTH_BYTES = 4;

/** What has come of a message that is not whole yet. */
interface Beginning {
  chunks: Buffer[];
  size: number;
  /** Bytes of the message with its header; null while the header is not whole either. */
  wanted: number | null;
}

let gathering = false;

/**
 * Hands ldapts a message when all of it is there. It would copy what has come so far once more with every chunk of 16
 * KiB, and a user with many certificates takes several. To be called before there is any connection; nothing else
 * depends on it.
 */
export function gatherWholeMessages(): void {
  if (gathering) return;
  gathering = true;
  const beginnings = new WeakMap<MessageParser, Beginning>();
  const { read } = MessageParser.prototype;
  MessageParser.prototype.read = function (data, details) {
    const { chunks, size, wanted } = longer(beginnings.get(this), data);
    if (wanted === null || size < wanted) {
      beginnings.set(this, { chunks, size, wanted });
      return;
    }
    beginnings.delete(this);
    read.call(this, joined(chunks), details);
  };
}

function longer(beginning: Beginning | undefined, chunk: Buffer): Beginning {
  const { chunks, size, wanted } = beginning ?? { chunks: [], size: 0, wanted: null };
  chunks.push(chunk);
  return { chunks, size: size + chunk.length, wanted: wanted ?? messageBytes(joined(chunks)) };
}

function joined(chunks: Buffer[]): Buffer {
  const [first, ...more] = chunks;
  return first !== undefined && more.length === 0 ? first : Buffer.concat(chunks);
}

/** 0 for what can be no header: ldapts says what is wrong with it. */
function messageBytes(data: Buffer): number | null {
  const first = data[1];
  if (first === undefined) return null;
  if (first < LONG_FORM) return 2 + first;
  const count = first - LONG_FORM;
  if (count === 0 || count > MAX_LENGTH_BYTES) return 0;
  return data.length < 2 + count ? null : 2 + count + data.readUIntBE(2, count);
}
