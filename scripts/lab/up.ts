import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Announcement, type Lab, LabError, type LabOptions, type SambaVersion } from './lab.ts';
import { buildNetwork, commandPrefix, freeSubnets } from './network.ts';
import { claim, identify } from './registry.ts';
import { removeRemains } from './remains.ts';
import { run } from './run.ts';

// Samba's sockets lie up to 30 characters below the folder, and the system limits their paths to 107.
const longestDir = 70;

export type Wanted = Omit<LabOptions, 'dir' | 'sambaTree'> & { dir: string | null; samba: SambaVersion };

const treeBuilder = fileURLToPath(new URL('./trixie-tree', import.meta.url));

/**
 * Starts a lab and returns once its domain controllers answer. A lab that fails leaves nothing behind.
 * @throws LabError when the machine cannot run one, with the reason
 */
export async function up({ samba, ...wanted }: Wanted): Promise<Lab> {
  requireRoot('up');
  await requirePackages();
  if (wanted.ownerPid !== null) identify(wanted.ownerPid);
  const sambaTree = samba === '4.22' ? (await run([treeBuilder])).trim() : null;
  const dir = makeDir(wanted.dir);
  try {
    return await startKeeper({ ...wanted, sambaTree, dir });
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

/** @throws LabError when this machine cannot run such a lab, with the reason */
export async function check(dcs: LabOptions['dcs']): Promise<void> {
  requireRoot('check');
  await requirePackages();
  if (dcs === 2) await tryNetwork();
}

/** Builds the network of two domain controllers and takes it down again: rights are seen best by using them. */
async function tryNetwork(): Promise<void> {
  const dir = makeDir(null);
  const registration = claim(freeSubnets(), { dir, keeper: identify(process.pid), owner: null });
  try {
    await buildNetwork(registration.name, dir, new AbortController().signal);
    await run(['true'], { prefix: commandPrefix(registration.name, 'dc2', dir) });
  } finally {
    await removeRemains(registration);
  }
}

export function requireRoot(verb: string): void {
  if (process.getuid?.() === 0) return;
  throw new LabError(`ad-lab ${verb} must run as root: a domain controller listens on ports 389 and 636`);
}

async function requirePackages(): Promise<void> {
  const list = readFileSync(new URL('./debian-packages', import.meta.url), 'utf8');
  const wanted = list.trim().split(/\s+/);
  // It fails when a name is unknown, and still prints the others.
  const query = `dpkg-query -W -f '\${Package} \${db:Status-Status}\n' "$@" 2>/dev/null || true`;
  const states = new Set((await run(['sh', '-c', query, 'sh', ...wanted])).split('\n'));
  const missing = wanted.filter((name) => !states.has(`${name} installed`));
  if (missing.length === 0) return;
  throw new LabError(`Debian packages are missing: run apt-get install ${missing.join(' ')}`);
}

function makeDir(wanted: string | null): string {
  if (wanted === null) return mkdtempSync(join(tmpdir(), 'msmq-lab-'));
  const dir = resolve(wanted);
  if (dir.length > longestDir)
    throw new LabError(`${dir} is too long a path for Samba: at most ${longestDir} characters`);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (readdirSync(dir).length > 0) throw new LabError(`${dir} is not empty: name a new folder, ad-lab down removes it`);
  return dir;
}

async function startKeeper(options: LabOptions): Promise<Lab> {
  const log = openSync(join(options.dir, 'keeper.log'), 'a', 0o600);
  const program = fileURLToPath(new URL('./keeper.ts', import.meta.url));
  const keeper = spawn(process.execPath, [program, JSON.stringify(options)], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  const announcement = await new Promise<Announcement>((resolve) => {
    let failure: Announcement = { kind: 'failed', message: 'the lab ended before it was ready' };
    keeper.on('message', (message) => {
      const announced = message as Announcement;
      // A failed keeper still cleans up: its exit is the moment to say so.
      if (announced.kind === 'ready') resolve(announced);
      else failure = announced;
    });
    keeper.on('error', (error) => resolve({ kind: 'failed', message: error.message }));
    keeper.on('exit', () => resolve(failure));
  });
  if (announcement.kind === 'failed') throw new LabError(`the lab did not start: ${announcement.message}`);
  keeper.unref();
  return announcement.lab;
}
