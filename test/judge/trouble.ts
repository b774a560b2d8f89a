import { type Entry, encode } from '../../src/blob/codec.ts';
import { newEntry } from '../../src/blob/edit.ts';
import type { Pair } from '../../src/blob/pair.ts';
import {
  bits,
  identifier,
  nothing,
  type Structure,
  sequence,
  time,
  utf8String,
} from '../../src/certificate/x509/asn1.ts';
import { commonName, rawElement, rsaKey, unsigned, validity } from '../certificate/support.ts';

const DAY_MS = 86_400_000;

/** What a certificate for the tests is about; sound unless something else is asked for. */
export interface Wanted {
  commonName?: string;
  startsIn?: number;
  endsIn?: number;
  keyBytes?: number;
  signature?: string;
  publicKey?: Structure;
}

let serial = 0;

/** A certificate that nobody signed, with days counted from now. Each one is different. */
export function certificate(wanted: Wanted = {}): Buffer {
  const { commonName: name = 'nobody', startsIn = -10, endsIn = 1000, keyBytes = 256 } = wanted;
  const at = (days: number) => time(new Date(Date.now() + days * DAY_MS));
  const modulus = Buffer.alloc(keyBytes, 0x7f);
  modulus.writeUInt8(0x00, 0);
  modulus.writeUInt8(0xff, 1);
  const number = Buffer.alloc(4);
  number.writeUInt32BE(++serial);
  return unsigned({
    serial: rawElement(0x02, Buffer.concat([Buffer.of(1), number])),
    subject: commonName(utf8String(name)),
    validity: validity(at(startsIn), at(endsIn)),
    publicKey:
      wanted.publicKey ??
      rsaKey(sequence(rawElement(0x02, withLeadingZero(modulus)), rawElement(0x02, Buffer.of(1, 0, 1)))),
    signatureAlgorithm: sequence(identifier(wanted.signature ?? '1.2.840.113549.1.1.11'), nothing()),
  });
}

/** The modulus keeps its first bit, so DER puts a zero in front of it. */
function withLeadingZero(modulus: Buffer): Buffer {
  return Buffer.concat([Buffer.of(0), modulus.subarray(1), Buffer.of(0x7f)]);
}

export function pairOf(certificates: readonly Uint8Array[]): Pair {
  const entries = certificates.map((each) => newEntry(each));
  return { blob: encode(entries), digests: entries.map(({ digest }) => digest) };
}

/** A user in trouble: the pair, and the one code that an audit should find; `user` gets more than its pair. */
export interface Trouble {
  code: string;
  pair: Pair;
}

/** With this many certificates a user is full; see `near-capacity`. */
export const MAX_CERTIFICATES = 10;

/** One user for each code that a pair alone can show, two for digest-shared. Machines: PC-OLD is disabled, PC-GONE is not there. */
export function troubles(): Trouble[] {
  const [shared, doubled, stated, unlisted] = Array.from({ length: 4 }, () => newEntry(certificate()));
  if (!shared || !doubled || !stated || !unlisted) throw new Error('too few entries');
  const blob = (...entries: Entry[]) => encode(entries);
  const one = (code: string, wanted: Wanted): Trouble => ({ code, pair: pairOf([certificate(wanted)]) });
  const many = (code: string, count: number): Trouble => ({
    code,
    pair: pairOf(Array.from({ length: count }, () => certificate())),
  });
  return [
    {
      code: 'digest-mismatch',
      pair: { blob: blob({ ...stated, digest: Buffer.alloc(16, 7) }), digests: [stated.digest] },
    },
    { code: 'digest-missing', pair: { blob: blob(unlisted), digests: [] } },
    { code: 'digest-orphan', pair: { blob: null, digests: [Buffer.alloc(16, 9)] } },
    { code: 'digest-duplicate', pair: { blob: blob(doubled, doubled), digests: [doubled.digest] } },
    { code: 'digest-shared', pair: { blob: blob(shared), digests: [shared.digest] } },
    { code: 'digest-shared', pair: { blob: blob(shared), digests: [shared.digest] } },
    { code: 'malformed-blob', pair: { blob: Buffer.from('WScript.Echo "hello"\r\n'), digests: [] } },
    { code: 'not-a-certificate', pair: pairOf([Buffer.from('30031a0141', 'hex')]) },
    one('not-rsa', { publicKey: ellipticKey() }),
    one('weak-key', { keyBytes: 128 }),
    one('weak-signature', { signature: '1.2.840.113549.1.1.5' }),
    one('expired', { endsIn: -1 }),
    one('expiring', { endsIn: 20 }),
    one('not-yet-valid', { startsIn: 2 }),
    {
      code: 'superseded',
      pair: pairOf([
        certificate({ commonName: '[CORP/x, PC-1]', startsIn: -20 }),
        certificate({ commonName: '[CORP/x, PC-1]' }),
      ]),
    },
    one('machine-gone', { commonName: '[CORP/x, PC-GONE]' }),
    one('machine-disabled', { commonName: '[CORP/x, pc-old.corp.example]' }),
    many('near-capacity', MAX_CERTIFICATES - 1),
    many('over-capacity', MAX_CERTIFICATES),
  ];
}

function ellipticKey(): Structure {
  const curve = sequence(identifier('1.2.840.10045.2.1'), identifier('1.2.840.10045.3.1.7'));
  return sequence(curve, bits(Buffer.concat([Buffer.of(4), Buffer.alloc(64, 5)])));
}

/** What an audit should count for these users. */
export function expectedCounts(seeded: readonly { code: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { code } of seeded) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}
