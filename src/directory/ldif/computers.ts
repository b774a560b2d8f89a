import { type Computer, computerNames, type Listing, type Surrounding } from '../directory.ts';

/** The computers of a file by name. The file is gone through once for each of its states, `stampOf` tells which. */
export function computerFinder(
  surroundings: () => AsyncIterable<Surrounding>,
  stampOf: () => Promise<string>,
): Listing['computersNamed'] {
  let known: { stamp: string; byName: Promise<Map<string, Computer[]>> } | null = null;
  return async (names) => {
    const stamp = await stampOf();
    if (known?.stamp !== stamp) known = { stamp, byName: computersIn(surroundings()) };
    const byName = await known.byName;
    return { computers: [...new Set(names.flatMap((name) => byName.get(name) ?? []))], areReadable: byName.size > 0 };
  };
}

async function computersIn(surroundings: AsyncIterable<Surrounding>): Promise<Map<string, Computer[]>> {
  const byName = new Map<string, Computer[]>();
  for await (const found of surroundings) {
    if (found.kind !== 'computer') continue;
    for (const name of computerNames(found.computer)) {
      const same = byName.get(name);
      if (same === undefined) byName.set(name, [found.computer]);
      else same.push(found.computer);
    }
  }
  return byName;
}
