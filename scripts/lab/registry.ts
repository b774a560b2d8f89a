import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabError } from './lab.ts';

/** One place for the whole machine, whatever temp dir a caller has, and empty after a reboot. */
export const registryFolder = '/run/msmq-cert-labs';

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  pid: number;
  startTime: string;
}

/** A lab that holds an address: `name` is 127.x.y.z, or 10.77.x for two domain controllers. */
export interface Registration {
  name: string;
  dir: string;
  keeper: ProcessIdentity;
  owner: ProcessIdentity | null;
}

/**
 * Takes the first candidate that no other lab holds. Two labs never get the same one: the claim is the rename of a
 * filled folder, which the kernel refuses over another filled folder.
 * @throws LabError when every candidate is taken
 */
export function claim(
  candidates: Iterable<string>,
  lab: Omit<Registration, 'name'>,
  folder = registryFolder,
): Registration {
  mkdirSync(folder, { recursive: true });
  const draft = mkdtempSync(join(folder, '.claim-'));
  for (const name of candidates) {
    const registration = { name, ...lab };
    writeFileSync(join(draft, 'registration.json'), JSON.stringify(registration));
    if (takes(draft, join(folder, name))) return registration;
  }
  rmSync(draft, { recursive: true });
  throw new LabError('every address for a lab is taken: end one with ad-lab down');
}

function takes(draft: string, name: string): boolean {
  try {
    renameSync(draft, name);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST'))
      return false;
    throw error;
  }
}

export function release(name: string, folder = registryFolder): void {
  const gone = mkdtempSync(join(folder, '.release-'));
  try {
    // In one step, so that a rival never claims a half-removed name.
    renameSync(join(folder, name), gone);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  rmSync(gone, { recursive: true, force: true });
}

export function registrations(folder = registryFolder): Registration[] {
  mkdirSync(folder, { recursive: true });
  const names = readdirSync(folder).filter((name) => !name.startsWith('.'));
  return names.map((name) => registration(name, folder)).filter((lab) => lab !== null);
}

/** The lab that holds this name, null when none does. */
export function registration(name: string, folder = registryFolder): Registration | null {
  try {
    return JSON.parse(readFileSync(join(folder, name, 'registration.json'), 'utf8')) as Registration;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Where the keeper of a lab takes commands. */
export function controlSocket(name: string): string {
  return join(registryFolder, name, 'control');
}

/** @throws LabError when no such process runs */
export function identify(pid: number): ProcessIdentity {
  const startTime = startTimeOf(pid);
  if (startTime === null) throw new LabError(`there is no process ${pid}`);
  return { pid, startTime };
}

export function runs(identity: ProcessIdentity): boolean {
  return startTimeOf(identity.pid) === identity.startTime;
}

/** Whether any process of a process group runs. */
export function groupRuns(group: number): boolean {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.some((pid) => statOf(Number(pid))?.group === group);
}

/** Null for a process that has ended, even when nobody has collected it yet. */
function startTimeOf(pid: number): string | null {
  return statOf(pid)?.startTime ?? null;
}

/** Fields 5 and 22 of /proc/<pid>/stat, null for a process that has ended. */
function statOf(pid: number): { group: number; startTime: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : { group: Number(fields[2]), startTime: fields[19] ?? '' };
  } catch {
    return null;
  }
}
