import { machineIndex, parseMachine } from '../../certificate/machine.ts';
import type { Target } from '../../plan/request.ts';

export function chosenMachines(texts: readonly string[] | undefined): string[] | null {
  return texts === undefined ? null : parseMachines(texts);
}

export function withoutWanted(name: string): Target {
  return { name, wanted: [] };
}

/** Machine names, checked, the same machine once. */
export function parseMachines(texts: readonly string[]): string[] {
  const known = machineIndex<true>();
  return texts.map(parseMachine).filter((machine) => known.addNew(machine, true));
}
