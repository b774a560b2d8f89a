import type { Recognition } from '../../judge/recognise.ts';

/** The machine of a certificate, with how it was recognised where its subject is not one of our conventions. */
export function machineText({ machine, recognisedBy, candidates }: Recognition): string {
  if (machine === null) return candidates.length === 0 ? '-' : `${candidates.join(' or ')}?`;
  switch (recognisedBy) {
    case 'stated':
      return `${machine} (stated)`;
    case 'computer-account':
      return `${machine} (computer account)`;
    default:
      return machine;
  }
}
