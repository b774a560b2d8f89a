import { rm } from 'node:fs/promises';
import { removeNetwork } from './network.ts';
import { type Registration, release } from './registry.ts';

/** Removes what is left of a lab whose domain controllers have ended: network, folder, and last its claim on the address. */
export async function removeRemains({ name, dir }: Registration): Promise<void> {
  if (!name.startsWith('127.')) await removeNetwork(name);
  await rm(dir, { recursive: true, force: true, maxRetries: 10 });
  release(name);
}
