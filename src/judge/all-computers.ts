import type { Listing, Surrounding } from '../directory/directory.ts';
import { type Machines, machineRegister } from './machines.ts';

/** All computer accounts, read once. */
export interface AllComputers {
  machines: Machines;
  /** Tells them again to whoever surveys computers. */
  listing: Pick<Listing, 'survey'>;
}

/** For whoever goes through a whole domain, where looking up names a few at a time would take longer. */
export async function readAllComputers(directory: Pick<Listing, 'survey'>): Promise<AllComputers> {
  const { reach, surroundings } = await directory.survey('computers');
  // Nobody asks these how long a machine has been away.
  const machines = machineRegister(reach, { now: new Date(), machineInactiveMs: Number.POSITIVE_INFINITY });
  const found: Surrounding[] = [];
  for await (const each of surroundings) {
    if (each.kind === 'digests') continue;
    found.push(each);
    if (each.kind === 'computer') machines.add(each.computer);
  }
  return { machines, listing: { survey: async () => ({ reach, surroundings: again(found) }) } };
}

async function* again(found: readonly Surrounding[]): AsyncGenerator<Surrounding> {
  yield* found;
}
