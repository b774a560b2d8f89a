import { asBuffer } from '../blob/digest.ts';

/**
 * DER of the extensions that every certificate of this tool begins its list with: basicConstraints of an end entity, and
 * keyUsage digitalSignature and keyEncipherment, both critical. Written out, so that whoever only reads certificates
 * needs nothing of what makes them.
 */
export const ownExtensions = Buffer.from('300c0603551d130101ff04023000300e0603551d0f0101ff0404030205a0', 'hex');

/** How far from the end they were found last. With keys of one size it is always the same, and searching takes longer. */
let beforeEnd = 0;

/** Whether a certificate has just the extensions that `issueCertificate` gives; another maker's seldom has. */
export function hasOwnExtensions(certificate: Uint8Array): boolean {
  const bytes = asBuffer(certificate);
  if (haveAt(bytes, bytes.length - beforeEnd)) return true;
  const found = bytes.indexOf(ownExtensions);
  if (found >= 0) beforeEnd = bytes.length - found;
  return found >= 0;
}

function haveAt(bytes: Buffer, start: number): boolean {
  for (let index = 0; index < ownExtensions.length; index++) {
    if (bytes[start + index] !== ownExtensions[index]) return false;
  }
  return true;
}
