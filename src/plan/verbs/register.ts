import { type MachineIndex, machineIndex } from '../../certificate/machine.ts';
import { byMachine, type DecodedState, isBroken, type Registered } from '../../judge/state.ts';
import type { Addition, PlanItem, Planner, Verdict } from '../plan.ts';
import { decodedOnly, keepOrDelete, planEntries } from '../plan.ts';
import type { Wanted } from '../request.ts';

/** Whether a sound entry for the machine is left alone or replaced (specification §4, the flags of MQRegisterCertificate). */
export type RegisterMode = 'if-not-exists' | 'always';

/**
 * Registers certificates for one user. A machine that has a sound entry needs nothing; a broken one is replaced.
 * Unlike MQRegisterCertificate, "exists" is asked of the directory, and the digest of a replaced entry goes with it.
 */
export function registerPlanner(wanted: readonly Wanted[], mode: RegisterMode): Planner {
  return decodedOnly((state) => {
    const groups = machineIndex<Registered[]>();
    for (const { machine, entries } of byMachine(state.entries)) groups.add(machine, entries);
    const decisions = withoutRepeats(wanted).map((one) => decide(one, mode, state, groups));
    const deletes = new Map(
      decisions.flatMap(({ replaced, reason }) => replaced.map((registered) => [registered, reason] as const)),
    );
    const items: PlanItem[] = [
      ...state.entries.map((registered) => keepOrDelete(registered, deletes.get(registered))),
      ...decisions.flatMap(({ addition, reason }): PlanItem[] =>
        addition === null ? [] : [{ action: 'add', addition, reason }],
      ),
    ];
    return planEntries(
      state,
      items,
      decisions.flatMap(({ verdict }) => verdict ?? []),
    );
  });
}

interface Decision {
  addition: Addition | null;
  replaced: Registered[];
  verdict: Verdict | null;
  reason: string;
}

function decide(one: Wanted, mode: RegisterMode, state: DecodedState, groups: MachineIndex<Registered[]>): Decision {
  const { machine, source } = one;
  if (source.kind === 'external') return decideExternal(one, source.digest, state);

  const present = (machine === null ? undefined : groups.find(machine)) ?? [];
  const sound = present.findLast((registered) => !isBroken(registered));
  if (mode === 'if-not-exists' && sound !== undefined) return unchanged(machine, sound.digest);

  const newest = present.at(-1);
  // a sound one of another maker may be what Windows signs with
  const replaced = present.filter((each) => each.isOwnMake || isBroken(each));
  return {
    addition: { machine, source, validForMs: one.validForMs, replaces: replaced.at(-1)?.digest ?? null },
    replaced,
    verdict: null,
    reason: reasonFor(sound, newest),
  };
}

function decideExternal(one: Wanted, digest: string, state: DecodedState): Decision {
  const present = state.entries.filter((registered) => registered.md5 === digest);
  const sound = present.find((registered) => !isBroken(registered));
  if (sound !== undefined) return unchanged(one.machine, sound.digest);
  return {
    addition: { ...one, replaces: present.at(-1)?.digest ?? null },
    replaced: present,
    verdict: null,
    reason: present.length === 0 ? 'not registered yet' : 'the entry that is there is broken',
  };
}

/** A user named twice, or twice in a manifest, may ask for the same machine or certificate twice. */
function withoutRepeats(wanted: readonly Wanted[]): Wanted[] {
  const digests = new Set<string>();
  const machines = machineIndex<true>();
  return wanted.filter(({ machine, source }) => {
    if (source.kind !== 'external') return machine === null || machines.addNew(machine, true);
    const isNew = !digests.has(source.digest);
    digests.add(source.digest);
    return isNew;
  });
}

function unchanged(machine: string | null, digest: string): Decision {
  return { addition: null, replaced: [], verdict: { kind: 'unchanged', machine, digest }, reason: '' };
}

function reasonFor(sound: Registered | undefined, newest: Registered | undefined): string {
  if (newest === undefined) return 'not registered yet';
  return sound === undefined ? `the entry that is there is broken: ${newest.findings.join(', ')}` : 'asked for anew';
}
