import { decode, type Entry, encode, MAX_BLOB_BYTES } from '../../src/blob/codec.ts';
import { md5, md5Hex, toHex } from '../../src/blob/digest.ts';
import { examine } from '../../src/blob/findings.ts';
import type { Benchmark } from './benchmark.ts';
import { entriesThatFill } from './entries.ts';
import { inTurns, median, timesAsLong } from './turns.ts';

const ROUNDS = 201;

export const decodeBenchmark: Benchmark = {
  name: 'decode',
  what: 'decode a 1 MiB blob and check every MD5, to one MD5 pass over the blob',
  target: { at: 'most', value: 2, unit: 'times' },
  measure,
};

async function measure() {
  const entries = entriesThatFill(MAX_BLOB_BYTES);
  const blob = encode(entries);
  const digests = entries.map(({ digest }) => digest);
  const onePass = () => md5(blob);

  const checked = await inTurns(ROUNDS, () => demand(decode(blob).every(isSound)), onePass);
  const examined = await inTurns(ROUNDS, () => demand(examine({ blob, digests }).kind === 'decoded'), onePass);
  return {
    measured: timesAsLong(checked),
    details: {
      blobBytes: blob.length,
      entries: entries.length,
      onePassMs: median(checked.reference),
      decodeAndCheckMs: median(checked.ours),
      examineWithDigestsMs: median(examined.ours),
      examineWithDigestsTimes: timesAsLong(examined),
    },
  };
}

function isSound({ certificate, digest }: Entry): boolean {
  return md5Hex(certificate) === toHex(digest);
}

function demand(holds: boolean): void {
  if (!holds) throw new Error('the blob was not read as it was written');
}
