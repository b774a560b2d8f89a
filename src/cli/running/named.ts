import { parseMachine, sameMachine } from '../../certificate/machine.ts';
import type { Target } from '../../plan/request.ts';

export function chosenMachines(texts: readonly string[] | undefined): string[] | null {
  return texts === undefined ? null : parseMachines(texts);
}

export function withoutWanted(name: string): Target {
  return { name, wanted: [] };
}

/** Machine names, checked, the same machine once. */
export function parseMachines(texts: readonly string[]): string[] {
  const machines: string[] = [];
  for (const text of texts) {
    const name = parseMachine(text);
    if (!machines.some((each) => sameMachine(each, name))) machines.push(name);
  }
  return machines;
}
