import { chains } from '../packed/chains.ts';
import { nameIndex } from '../packed/name-index.ts';
import { jsonList, packedList, type Sequence } from '../packed/packed-list.ts';
import type { Target, Wanted } from './request.ts';

export interface TargetsByRow extends Sequence<Target> {
  /** What one row wants for the user that it names, in any case of letters. */
  add(name: string, wanted: Wanted): void;
}

/** Targets that are told of row by row, in the order of the first row of each. */
export function targetsByRow(): TargetsByRow {
  const names = jsonList<string>();
  const byName = nameIndex();
  const rows = wantedList();
  const rowsOf = chains();

  function targetOf(name: string): number {
    const key = name.toLowerCase();
    const known = byName.find(key).find((position) => names.at(position)?.toLowerCase() === key);
    if (known !== undefined) return known;
    byName.add(key, names.length);
    return names.push(name);
  }

  function at(position: number): Target | undefined {
    const name = names.at(position);
    if (name === undefined) return undefined;
    return { name, wanted: [...rowsOf.of(position)].flatMap((row) => rows.at(row) ?? []) };
  }

  return {
    add(name, wanted) {
      rowsOf.add(targetOf(name), rows.push(wanted));
    },
    get length() {
      return names.length;
    },
    at,
    *[Symbol.iterator]() {
      for (let position = 0; position < names.length; position++) {
        const target = at(position);
        if (target !== undefined) yield target;
      }
    },
  };
}

/** Most rows want a new key for a machine, and nothing else: of those only the name is held. */
function wantedList() {
  return packedList<Wanted>(
    (wanted) => JSON.stringify(isPlain(wanted) ? wanted.machine : wanted),
    (text) => {
      const packed: string | Wanted = JSON.parse(text);
      return typeof packed === 'string' ? { machine: packed, source: { kind: 'new-key' }, validForMs: null } : packed;
    },
  );
}

function isPlain({ machine, source, validForMs }: Wanted): boolean {
  return machine !== null && source.kind === 'new-key' && validForMs === null;
}
