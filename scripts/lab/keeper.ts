/**
 * The process that keeps one lab: it builds it, runs its domain controllers and removes everything when it is told to end,
 * when its owner is gone, or when `ad-lab up` ends before the lab is ready. Started by main.ts with an IPC channel.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildLab, type RunningDomainController } from './build.ts';
import { type ControlRequest, serveControl } from './control.ts';
import { start, stop, waitUntilServing } from './domain-controller.ts';
import { type Announcement, LabError, type LabOptions } from './lab.ts';
import { freeSubnets, loopbackAddresses } from './network.ts';
import { claim, identify, type Registration, runs } from './registry.ts';
import { removeRemains } from './remains.ts';

const ownerCheckMilliseconds = 500;

async function keepLab(options: LabOptions): Promise<void> {
  const ending = new AbortController();
  process.on('SIGTERM', () => ending.abort());
  process.on('SIGINT', () => ending.abort());
  process.on('disconnect', () => ending.abort());

  const registration = register(options);
  endWithOwner(registration, ending);
  const running: RunningDomainController[] = [];
  try {
    const lab = await buildLab(registration.name, options, running, ending.signal);
    await serveControl(registration.name, (request) => obey(request, running, ending.signal));
    await writeFile(join(options.dir, 'lab.json'), `${JSON.stringify(lab, null, 2)}\n`);
    process.removeAllListeners('disconnect');
    await announce({ kind: 'ready', lab });
    await ended(ending.signal);
  } catch (error) {
    if (!ending.signal.aborted) await announce({ kind: 'failed', message: sentence(error) });
  }
  for (const { samba } of running) await stop(samba);
  await removeRemains(registration);
}

function register({ dir, dcs, ownerPid }: LabOptions): Registration {
  const owner = ownerPid === null ? null : identify(ownerPid);
  const candidates = dcs === 1 ? loopbackAddresses() : freeSubnets();
  return claim(candidates, { dir, keeper: identify(process.pid), owner });
}

function endWithOwner({ owner }: Registration, ending: AbortController): void {
  if (owner === null) return;
  const check = () => {
    if (!runs(owner)) ending.abort();
  };
  setInterval(check, ownerCheckMilliseconds).unref();
}

async function obey(request: ControlRequest, running: RunningDomainController[], signal: AbortSignal): Promise<void> {
  const controller = running[request.dc - 1];
  if (controller === undefined) throw new LabError(`there is no domain controller ${request.dc} in this lab`);
  await stop(controller.samba);
  if (request.verb === 'stop-dc') return;
  controller.samba = start(controller.site);
  await waitUntilServing(controller.site, controller.samba, signal);
}

/** The channel to `ad-lab up` closes after the message; up may be gone already, which is the disconnect's business. */
async function announce(announcement: Announcement): Promise<void> {
  await new Promise<void>((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(announcement, undefined, undefined, () => resolve());
  });
  if (process.connected) process.disconnect();
}

async function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

function sentence(error: unknown): string {
  if (error instanceof LabError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

await keepLab(JSON.parse(process.argv[2] ?? '') as LabOptions);
process.exit();
