import { type Computer, computerNames, type Listing } from '../directory/directory.ts';
import { type MsmqCertError, toMsmqCertError } from '../errors.ts';
import type { KnownComputers } from './recognise.ts';

/**
 * Computer accounts that are looked up when a certificate names them, many at a time and each name once.
 * @param onUnreadable told once, when computer accounts cannot be read: null when the directory shows none at all
 */
export function computerBook(
  { computersNamed }: Pick<Listing, 'computersNamed'>,
  onUnreadable: (error: MsmqCertError | null) => void,
): KnownComputers {
  const pages = new Map<string, Computer[]>();
  const asked = new Map<string, Promise<void>>();
  let missing = new Set<string>();
  let hasTold = false;

  function tellOnce(error: MsmqCertError | null): void {
    if (!hasTold) onUnreadable(error);
    hasTold = true;
  }

  async function look(names: ReadonlySet<string>): Promise<void> {
    for (const name of names) pages.set(name, []);
    try {
      const { computers, areReadable } = await computersNamed([...names]);
      for (const computer of computers) for (const name of computerNames(computer)) pages.get(name)?.push(computer);
      if (!areReadable) tellOnce(null);
    } catch (error) {
      tellOnce(toMsmqCertError(error));
    } finally {
      for (const name of names) asked.delete(name);
    }
  }

  return {
    named(name) {
      if (asked.has(name)) return undefined;
      const page = pages.get(name);
      if (page === undefined) missing.add(name);
      return page;
    },
    async lookUp() {
      const names = missing;
      missing = new Set();
      if (names.size > 0) {
        const answer = look(names);
        for (const name of names) asked.set(name, answer);
      }
      const answers = [...new Set(asked.values())];
      await Promise.all(answers);
      return answers.length > 0;
    },
  };
}
