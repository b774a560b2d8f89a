import assert from 'node:assert/strict';
import fc from 'fast-check';
import { digestNumbers, digestSet } from '../../src/packed/digest-set.ts';
import { nameIndex } from '../../src/packed/name-index.ts';
import { jsonList, numbers, smallNumbers } from '../../src/packed/packed-list.ts';

describe('packed data', () => {
  it('is a list that gives back what was added, of any size and with any text', () => {
    const huge = 'x'.repeat(300_000);
    const element = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constant(huge),
      fc.record({ a: fc.string() }, { noNullPrototype: true }),
    );
    fc.assert(
      fc.property(fc.array(element), (elements) => {
        const list = jsonList<(typeof elements)[number]>();
        assert.deepEqual(
          elements.map((each) => list.push(each)),
          elements.map((_, position) => position),
        );
        assert.deepEqual([...list], elements);
        assert.deepEqual(
          elements.map((_, position) => list.at(position)),
          elements,
        );
        assert.deepEqual([list.length, list.at(-1), list.at(elements.length)], [elements.length, undefined, undefined]);
      }),
    );
  });

  it('is a list of many chunks', () => {
    const list = jsonList<string>();
    const text = (position: number) => `${position} ${'é'.repeat(position % 50)}`;
    for (let position = 0; position < 20_000; position++) list.push(text(position));
    for (let position = 0; position < 20_000; position++) assert.equal(list.at(position), text(position));
  });

  it('finds every position of a name, in the order in which they were added', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 2 }), { maxLength: 3000 }), (names) => {
        const index = nameIndex();
        for (const [position, name] of names.entries()) index.add(name, position);
        for (const name of new Set(names)) {
          const expected = [...names.keys()].filter((position) => names[position] === name);
          assert.deepEqual(
            index.find(name).filter((position) => names[position] === name),
            expected,
          );
        }
      }),
      { numRuns: 20 },
    );
  });

  it('finds hardly anything else than a name', () => {
    const index = nameIndex();
    for (let position = 0; position < 50_000; position++) index.add(`user${position}`, position);
    const others = Array.from({ length: 1000 }, (_, number) => index.find(`other${number}`)).flat();
    assert.ok(others.length < 10, `${others.length} positions`);
  });

  it('knows texts and numbers them', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 2 }), { maxLength: 3000 }), (texts) => {
        const [set, numberOf] = [digestSet(), digestNumbers()];
        const known = new Map<string, number>();
        for (const text of texts) {
          assert.equal(set.has(text), known.has(text));
          assert.equal(set.add(text), !known.has(text));
          if (!known.has(text)) known.set(text, known.size);
          assert.equal(numberOf(text), known.get(text));
        }
      }),
      { numRuns: 20 },
    );
  });

  it('holds numbers, and 0 where there is none', () => {
    for (const [held, largest] of [[numbers(), 2 ** 52] as const, [smallNumbers(), 2 ** 32 - 1] as const]) {
      held.set(5000, largest);
      held.set(3, 7);
      assert.deepEqual([held.get(0), held.get(3), held.get(5000), held.get(1_000_000)], [0, 7, largest, 0]);
    }
  });
});
