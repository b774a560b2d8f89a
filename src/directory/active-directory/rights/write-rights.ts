import { valuesOf } from '../read/pages.ts';
import { BLOB, DIGESTS, type Search } from '../read/search.ts';

/** The attributes of the entry at `base` that the caller may write, as the directory itself works them out. */
export async function writableAttributes(search: Search, base: string): Promise<string[]> {
  const name = 'allowedAttributesEffective';
  const [entry] = await search(base, { scope: 'base', attributes: [name] });
  return entry === undefined ? [] : valuesOf(entry, name).map(String);
}

/** Those of the two attributes that are not among the writable ones. */
export function notWritable(writable: readonly string[]): string[] {
  return [BLOB, DIGESTS].filter((name) => !writable.some((each) => each.toLowerCase() === name.toLowerCase()));
}
