import { hostOf } from '../certificate/machine.ts';
import { type Computer, computerNames, type Survey } from '../directory/directory.ts';
import { reachText } from './reach.ts';
import type { KnownComputers } from './recognise.ts';
import type { MachineFinding, Registered } from './state.ts';

/** The computer accounts of a directory, and what they say about the machine of a certificate. */
export interface Machines extends KnownComputers {
  add(computer: Computer): void;
  /** What is wrong with the machine of a certificate; null when nothing is, or when it cannot be told. */
  judge(registered: Registered): MachineFinding | null;
  /** Whether there is no such machine where it was looked, but may be one in a domain that could not be read. */
  mayBeElsewhere(registered: Registered): boolean;
  /** Notes that there is something which may be a computer account and cannot be read. */
  addUnread(): void;
  readonly size: number;
  /** What is known to be missing among them, as messages say it; null when nothing is. */
  readonly gap: string | null;
}

export interface MachineCriteria {
  now: Date;
  /** A computer that has not logged on for longer than this many milliseconds is inactive. */
  machineInactiveMs: number;
}

export function machineRegister(reach: Survey['reach'], criteria: MachineCriteria): Machines {
  const byHost = new Map<string, Computer[]>();
  const byName = new Map<string, Computer[]>();
  let size = 0;
  let unread = 0;

  function meant(machine: string): Computer[] {
    return (byHost.get(hostOf(machine)) ?? []).filter((computer) => isMeant(computer, machine));
  }

  return {
    get size() {
      return size;
    },
    get gap() {
      return gapOf(reach, unread);
    },
    addUnread() {
      unread++;
    },
    add(computer) {
      size++;
      for (const host of hostsOf(computer)) note(byHost, host, computer);
      for (const name of computerNames(computer)) note(byName, name, computer);
    },
    named: (name) => byName.get(name) ?? [],
    lookUp: async () => false,
    mayBeElsewhere: ({ machine }) => machine !== null && meant(machine).length === 0 && !isWithinReach(machine, reach),
    judge({ machine }) {
      // An export without computers says nothing about them.
      if (size === 0 || machine === null) return null;
      const computers = meant(machine);
      if (computers.length === 0 && isWithinReach(machine, reach)) return 'machine-gone';
      return findingAbout(computers, criteria);
    },
  };
}

function gapOf(reach: Survey['reach'], unread: number): string | null {
  if (reach.kind === 'domain' && !reach.isWholeForest) return `of the forest only ${reach.dnsName} could be read`;
  if (unread === 0) return null;
  return `${unread} ${unread === 1 ? 'object' : 'objects'} in ${reachText(reach)} could not be read`;
}

/** A long host name is cut off in the account's name, so both count. */
function hostsOf({ name, dnsName }: Computer): Set<string> {
  return new Set([name.toLowerCase(), ...(dnsName === null ? [] : [hostOf(dnsName)])]);
}

/** A bare name is that of the account or its first DNS label; of two qualified names all labels count. */
function isMeant({ name, dnsName }: Computer, machine: string): boolean {
  if (machine.includes('.') && dnsName !== null) return machine.toLowerCase() === dnsName.toLowerCase();
  const host = hostOf(machine);
  return host === name.toLowerCase() || (dnsName !== null && host === hostOf(dnsName));
}

/** The best that can be said of the computers with one name: in a forest there can be several. */
function findingAbout(computers: readonly Computer[], criteria: MachineCriteria): MachineFinding | null {
  const enabled = computers.filter(({ disabled }) => !disabled);
  if (computers.length > 0 && enabled.length === 0) return 'machine-disabled';
  return enabled.length > 0 && enabled.every((computer) => isInactive(computer, criteria)) ? 'machine-inactive' : null;
}

function isInactive({ lastLogon }: Computer, { now, machineInactiveMs }: MachineCriteria): boolean {
  return lastLogon !== null && now.getTime() - lastLogon.getTime() > machineInactiveMs;
}

/** A machine of another domain may well exist when only one of several could be read, and a bare name tells no domain. */
function isWithinReach(machine: string, reach: Survey['reach']): boolean {
  if (reach.kind !== 'domain' || reach.isWholeForest) return true;
  return machine.includes('.') && machine.slice(machine.indexOf('.') + 1).toLowerCase() === reach.dnsName.toLowerCase();
}

function note(index: Map<string, Computer[]>, key: string, computer: Computer): void {
  const computers = index.get(key);
  if (computers === undefined) index.set(key, [computer]);
  else computers.push(computer);
}
