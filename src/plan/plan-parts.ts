/** One piece of a JSON object: the value of a key, one element of a list, or the end of a list. All texts are JSON. */
export type Part =
  | { kind: 'value'; key: string; text: string }
  | { kind: 'element'; key: string; text: string }
  | { kind: 'list-end'; key: string };

/**
 * Reads a JSON object without holding all of it: the lists with these keys come element by element. What stands between
 * the values is not checked, so that the caller has to compare the whole with a checksum.
 * @throws SyntaxError when it is no JSON object, or is cut short
 */
export function* partsOf(pieces: Iterable<string>, lists: ReadonlySet<string>): Generator<Part> {
  const state: State = { depth: 0, isList: false, isDone: false, key: null, held: '' };
  let [inString, isEscaped] = [false, false];
  for (const piece of pieces) {
    let start = 0;
    for (let at = 0; at < piece.length; at++) {
      const character = piece[at] ?? '';
      if (isEscaped) isEscaped = false;
      else if (inString) {
        if (character === '\\') isEscaped = true;
        else if (character === '"') inString = false;
      } else if (character === '"') inString = true;
      else if (STRUCTURE.has(character)) {
        state.held += piece.slice(start, at);
        start = at + 1;
        yield* step(state, character, lists);
      }
    }
    state.held += piece.slice(start);
  }
  if (state.depth !== 0 || !state.isDone || state.held.trim() !== '') throw new SyntaxError('not one JSON object');
}

interface State {
  depth: number;
  /** Inside one of the lists, whose elements stand at depth 2. */
  isList: boolean;
  /** What the key names was given out, or the object has ended. */
  isDone: boolean;
  key: string | null;
  /** The text since the last key, value or element. */
  held: string;
}

const NOTHING: readonly Part[] = [];
const STRUCTURE = new Set(['{', '}', '[', ']', ':', ',']);

function step(state: State, character: string, lists: ReadonlySet<string>): readonly Part[] {
  if (state.depth === 0) return begin(state, character);
  if (state.depth === 1) return inObject(state, character, lists);
  if (state.depth === 2 && state.isList) return inList(state, character);
  return inside(state, character);
}

function begin(state: State, character: string): readonly Part[] {
  if (character !== '{' || state.isDone || state.held.trim() !== '') throw new SyntaxError('not one JSON object');
  state.depth = 1;
  state.held = '';
  return NOTHING;
}

function inObject(state: State, character: string, lists: ReadonlySet<string>): readonly Part[] {
  const { key, held } = state;
  if (key === null && character === ':') {
    state.key = String(JSON.parse(held));
    state.isDone = false;
    state.held = '';
    return NOTHING;
  }
  if (key !== null && character === '[' && lists.has(key) && held.trim() === '') {
    state.isList = true;
    state.depth = 2;
    state.held = '';
    return NOTHING;
  }
  if (character !== ',' && character !== '}') return inside(state, character);
  const isGiven = state.isDone || key === null;
  state.key = null;
  state.held = '';
  if (character === '}') {
    state.depth = 0;
    state.isDone = true;
  }
  return isGiven ? NOTHING : [{ kind: 'value', key, text: held }];
}

function inList(state: State, character: string): readonly Part[] {
  const { held } = state;
  const key = state.key ?? '';
  if (character !== ',' && character !== ']') return inside(state, character);
  state.held = '';
  if (character === ',') return [{ kind: 'element', key, text: held }];
  state.depth = 1;
  state.isList = false;
  state.isDone = true;
  const end = { kind: 'list-end', key } as const;
  return held.trim() === '' ? [end] : [{ kind: 'element', key, text: held }, end];
}

function inside(state: State, character: string): readonly Part[] {
  state.held += character;
  if (character === '{' || character === '[') state.depth++;
  if (character === '}' || character === ']') state.depth--;
  return NOTHING;
}
