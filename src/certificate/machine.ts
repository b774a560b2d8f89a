import { MsmqCertError } from '../errors.ts';
import { harmless } from '../visible.ts';

const MAX_CHARACTERS = 255;

/** A character that no machine name has. Subjects rely on it to tell account and machine apart. */
export const forbiddenInMachine = /[\s\p{C}\p{Default_Ignorable_Code_Point}\\/:*?"<>|,+=;[\]]/u;

/**
 * A machine name as the caller wrote it: a NetBIOS name or a DNS name, 1 to 255 characters.
 * @throws MsmqCertError invalid-machine
 */
export function parseMachine(text: string): string {
  if (text === '') throw invalidMachine('the machine name is empty');
  if (text.length > MAX_CHARACTERS) {
    const start = harmless(text.slice(0, 32));
    throw invalidMachine(`the machine name "${start}…" has ${text.length} characters, more than ${MAX_CHARACTERS}`);
  }
  if (forbiddenInMachine.test(text)) {
    throw invalidMachine(`the machine name "${harmless(text)}" has a character no machine name can have`);
  }
  if (text.split('.').includes('')) {
    throw invalidMachine(`the machine name "${harmless(text)}" has an empty part before or after a dot`);
  }
  return text;
}

/**
 * Whether two names mean one machine: compared without case, and a bare host name equals the first label of a fully
 * qualified one; two different fully qualified names are two machines.
 */
export function sameMachine(a: string, b: string): boolean {
  if (a.toLowerCase() === b.toLowerCase()) return true;
  return a.includes('.') !== b.includes('.') && hostOf(a) === hostOf(b);
}

/** Finds by machine: what was added first of all that {@link sameMachine} holds for. */
export interface MachineIndex<T> {
  add(machine: string, value: T): void;
  /** Adds it unless there is one already; whether it did. */
  addNew(machine: string, value: T): boolean;
  find(machine: string): T | undefined;
}

/** Takes as long for one machine among many as for one among few. */
export function machineIndex<T>(): MachineIndex<T> {
  type Added = { value: T; order: number };
  const byName = new Map<string, Added>();
  const qualifiedByHost = new Map<string, Added>();
  let added = 0;

  function add(machine: string, value: T): void {
    const one = { value, order: added++ };
    addFirst(byName, machine.toLowerCase(), one);
    if (machine.includes('.')) addFirst(qualifiedByHost, hostOf(machine), one);
  }

  function found(machine: string): Added | undefined {
    const exact = byName.get(machine.toLowerCase());
    const other = machine.includes('.') ? byName.get(hostOf(machine)) : qualifiedByHost.get(machine.toLowerCase());
    if (exact === undefined || other === undefined) return exact ?? other;
    return exact.order < other.order ? exact : other;
  }

  return {
    add,
    addNew(machine, value) {
      const isNew = found(machine) === undefined;
      if (isNew) add(machine, value);
      return isNew;
    },
    find: (machine) => found(machine)?.value,
  };
}

function addFirst<T>(map: Map<string, T>, key: string, value: T): void {
  if (!map.has(key)) map.set(key, value);
}

/** The first label of a machine name in lower case: the same for all the names that can mean one machine. */
export function hostOf(machine: string): string {
  const dot = machine.indexOf('.');
  return (dot < 0 ? machine : machine.slice(0, dot)).toLowerCase();
}

function invalidMachine(message: string): MsmqCertError {
  return new MsmqCertError('invalid-machine', message, {
    hint: 'give the host name or the fully qualified name, such as PC-1 or pc-1.corp.example',
  });
}
