import type { Survey } from '../directory/directory.ts';

/** How far was looked, as messages say it. */
export function reachText(reach: Survey['reach']): string {
  switch (reach.kind) {
    case 'forest':
      return 'the forest';
    case 'domain':
      return `the domain ${reach.dnsName}`;
    case 'file':
      return 'the file';
  }
}
