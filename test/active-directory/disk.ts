import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withFolder } from '../certificate/support.ts';

const run = promisify(execFile);

/** A folder with a small disk of its own. */
export interface Disk {
  /** An empty folder beside the disk. */
  folder: string;
  /** Where the disk is. */
  path: string;
  /** Changes its options, such as `size=4m`. */
  remount(options: string): Promise<void>;
}

/**
 * Works with a disk in memory, which needs the right to mount: scripts/test finds the suites that use it by this name and
 * leaves them out where root may not.
 */
export async function withDisk(options: string, work: (disk: Disk) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const path = join(folder, 'disk');
    await mkdir(path);
    await run('mount', ['-t', 'tmpfs', '-o', `mode=700,${options}`, 'none', path]);
    try {
      const remount = async (changed: string) => {
        await run('mount', ['-o', `remount,${changed}`, path]);
      };
      await work({ folder, path, remount });
    } finally {
      await run('umount', [path]);
    }
  });
}
