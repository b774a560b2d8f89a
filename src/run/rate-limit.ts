import pThrottle from 'p-throttle';
import { type Directory, withSwap } from '../directory/directory.ts';

/** The same directory, written at most so many times a second. */
export function limitRate(directory: Directory, writesPerSecond: number): Directory {
  const throttle = pThrottle({ limit: 1, interval: 1000 / writesPerSecond });
  return withSwap(directory, throttle(directory.swap));
}
