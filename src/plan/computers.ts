import type { Listing } from '../directory/directory.ts';
import { MsmqCertError } from '../errors.ts';
import { type Machines, machineRegister } from '../judge/machines.ts';
import type { PruneRequest } from './request.ts';

/**
 * The computer accounts that a prune needs to tell which machines left; null when it does not ask for any.
 * @throws MsmqCertError machines-unknown when none can be read, as then every machine would seem to be gone
 */
export async function computersFor(
  request: PruneRequest,
  now: Date,
  directory: Pick<Listing, 'survey'>,
): Promise<Machines | null> {
  const { machineGone, machineInactiveMs } = request;
  if (!machineGone && machineInactiveMs === null) return null;
  const { reach, surroundings } = await directory.survey('computers');
  const machines = machineRegister(reach, { now, machineInactiveMs: machineInactiveMs ?? Number.POSITIVE_INFINITY });
  for await (const found of surroundings) {
    // Whether an account is disabled is no question here: only whether it is there and when it was used.
    if (found.kind === 'computer') machines.add({ ...found.computer, disabled: false });
    if (found.kind === 'unread') machines.addUnread();
  }
  if (machines.size > 0) return machines;
  throw new MsmqCertError(
    'machines-unknown',
    'no computer account can be read, so every machine would seem to be gone',
    {
      hint: 'bind as somebody who may read computer accounts, or export them into the LDIF file too',
    },
  );
}
