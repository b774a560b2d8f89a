/**
 * Begins to read a stream at once, before anybody wants it, and goes on until it holds as much as `limit` says, in the
 * unit of `sizeOf`. Gives every item of the stream, and its failure where it failed.
 */
export function readAhead<T>(source: AsyncIterable<T>, sizeOf: (item: T) => number, limit: number): AsyncIterable<T> {
  const iterator = source[Symbol.asyncIterator]();
  const held: T[] = [];
  let size = 0;
  let wanted = false;
  let ended = false;

  async function fill(): Promise<void> {
    while (size < limit && !wanted) {
      const next = await iterator.next();
      if (next.done) {
        ended = true;
        return;
      }
      held.push(next.value);
      size += sizeOf(next.value);
    }
  }

  async function* rest(filled: Promise<void>): AsyncGenerator<T> {
    wanted = true;
    await filled.catch(() => {});
    while (held.length > 0) yield* held.splice(0, 1);
    await filled;
    while (!ended) {
      const next = await iterator.next();
      if (next.done) return;
      yield next.value;
    }
  }

  const filled = fill();
  // It is seen by whoever reads on.
  filled.catch(() => {});
  return rest(filled);
}
