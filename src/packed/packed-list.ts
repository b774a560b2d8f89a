/** Elements by position, as in an array. */
export interface Sequence<T> extends Iterable<T> {
  readonly length: number;
  at(position: number): T | undefined;
}

/** A list that holds its elements as bytes outside of the heap: a million of them take what their text takes, and twelve bytes each. */
export interface PackedList<T> extends Sequence<T> {
  /** Adds it at the end; its position. */
  push(value: T): number;
}

const CHUNK_BYTES = 256 * 1024;
const LENGTH_BYTES = 4;

/**
 * @param pack the text of an element, as UTF-8 can hold it
 * @param unpack the element again; what `at` gives is equal to what was added, and not the same object
 */
export function packedList<T>(pack: (value: T) => string, unpack: (text: string) => T): PackedList<T> {
  const chunks: Buffer[] = [];
  const places = numbers();
  let length = 0;
  let end = 0;

  /** Room for so many bytes in one piece. */
  function makeRoom(bytes: number): Buffer {
    const last = chunks.at(-1);
    if (last !== undefined && last.length - end >= bytes) return last;
    const fresh = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, bytes));
    chunks.push(fresh);
    end = 0;
    return fresh;
  }

  const list: PackedList<T> = {
    get length() {
      return length;
    },
    push(value) {
      const text = pack(value);
      const bytes = Buffer.byteLength(text);
      const chunk = makeRoom(LENGTH_BYTES + bytes);
      places.set(length, (chunks.length - 1) * CHUNK_BYTES + end);
      chunk.writeUInt32LE(bytes, end);
      chunk.write(text, end + LENGTH_BYTES);
      end += LENGTH_BYTES + bytes;
      return length++;
    },
    at(position) {
      if (!(position >= 0 && position < length)) return undefined;
      const place = places.get(position);
      const chunk = chunks[Math.floor(place / CHUNK_BYTES)];
      const start = place % CHUNK_BYTES;
      const bytes = chunk?.readUInt32LE(start) ?? 0;
      return unpack(chunk?.toString('utf8', start + LENGTH_BYTES, start + LENGTH_BYTES + bytes) ?? '');
    },
    *[Symbol.iterator]() {
      for (let position = 0; position < length; position++) {
        const value = list.at(position);
        if (value !== undefined) yield value;
      }
    },
  };
  return list;
}

/** A list of plain data, held as JSON. */
export function jsonList<T>(): PackedList<T> {
  return packedList<T>(
    (value) => JSON.stringify(value),
    (text) => JSON.parse(text),
  );
}

/** Whole numbers by position; 0 where none was set. */
export interface Numbers {
  get(position: number): number;
  set(position: number, value: number): void;
}

const FIRST_NUMBERS = 1024;

/** Numbers below 2^53, eight bytes each. */
export function numbers(): Numbers {
  return growing((length) => new Float64Array(length));
}

/** Numbers below 2^32, four bytes each. */
export function smallNumbers(): Numbers {
  return growing((length) => new Uint32Array(length));
}

function growing<A extends Float64Array | Uint32Array>(make: (length: number) => A): Numbers {
  let held = make(FIRST_NUMBERS);
  return {
    get: (position) => held[position] ?? 0,
    set(position, value) {
      if (position >= held.length) {
        const longer = make(Math.max(position + 1, held.length + (held.length >> 1)));
        longer.set(held);
        held = longer;
      }
      held[position] = value;
    },
  };
}
