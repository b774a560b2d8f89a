import { readFileSync } from 'node:fs';

const folder = new URL('../fixtures/vectors/', import.meta.url);

export interface VectorEntry {
  digest: string;
  identifier: string;
  bytes: number;
  digestMatches: boolean;
}

export type Vector = { file: string; note: string } & ({ entries: VectorEntry[] } | { malformedAtOffset: number });

/** The blobs with known contents, as the index beside them describes them. */
export const vectors: Vector[] = JSON.parse(readFileSync(new URL('index.json', folder), 'utf8'));

export function vectorBytes(file: string): Buffer {
  return readFileSync(new URL(file, folder));
}
