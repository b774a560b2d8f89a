import type { Purpose } from '../options.ts';
import type { Intention } from './verbs.ts';

export async function pursue(purpose: Purpose, intention: Intention): Promise<void> {
  if (purpose === 'plan') {
    const { makePlan } = await import('./plan-files.ts');
    await makePlan(intention);
  } else {
    const { carryOut } = await import('./runs.ts');
    await carryOut(intention);
  }
}
