import { launchLab, runAdLab } from '../../test/active-directory/lab.ts';
import type { Lab } from '../lab/lab.ts';

/** Starts a domain controller for one benchmark, with further words for `scripts/ad-lab up`, and stops it afterwards. */
export async function withLab<T>(words: string[], work: (lab: Lab) => Promise<T>): Promise<T> {
  const lab = await launchLab(words, process.pid);
  try {
    return await work(lab);
  } finally {
    await runAdLab(['down', '--dir', lab.dir]);
  }
}
