import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Benchmark } from './benchmark.ts';
import { peakOfRun } from './peak.ts';

/** A user with some 60 certificates. */
const BLOB_BYTES = 49_152;
const SMALL_MB = 100;
const LARGE_MB = 1000;

export const journalMemoryBenchmark: Benchmark = {
  name: 'journal-memory',
  what: 'peak memory of undo --dry-run with a journal of 1,000 MB',
  target: { at: 'most', value: 250, unit: 'MB' },
  measure,
};

async function measure() {
  const small = await undoOf(SMALL_MB);
  const large = await undoOf(LARGE_MB);
  return {
    measured: large.peakMb,
    details: {
      mbFor100Mb: small.peakMb,
      mbFor1000Mb: large.peakMb,
      secondsFor100Mb: small.seconds,
      secondsFor1000Mb: large.seconds,
    },
  };
}

async function undoOf(megabytes: number): Promise<{ peakMb: number; seconds: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'msmq-cert-bench-'));
  try {
    const [journal, ldif] = [join(folder, 'journal.ndjson'), join(folder, 'users.ldif')];
    const users = Math.round((megabytes * 1_000_000) / ((BLOB_BYTES * 4) / 3));
    const lines = Readable.from(journalLines(users, folder, ldif));
    await pipeline(lines, createWriteStream(journal, { mode: 0o600 }));
    await writeFile(ldif, Array.from({ length: users }, (_, user) => userRecord(user)).join('\n'));
    const start = performance.now();
    // Nobody stands as the run left them, so that each is refused.
    const words = ['undo', journal, '--directory', `ldif:${ldif}`, '--dry-run', '--no-progress', '--json'];
    const { peakMb, stdout } = await peakOfRun(words, 4);
    if (JSON.parse(stdout).summary.users !== users) throw new Error('not every user of the journal was looked at');
    return { peakMb, seconds: (performance.now() - start) / 1000 };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function* journalLines(users: number, out: string, ldif: string): Generator<string> {
  const at = new Date().toISOString();
  const line = (record: object) => `${JSON.stringify({ at, ...record })}\n`;
  yield line({
    ...{ type: 'run', schema: 1, run: 'bench', by: 'bench', bind: null, server: 'file', directory: `ldif:${ldif}` },
    fingerprint: '0123456789abcdef',
    request: { verb: 'replace', machines: null, overlap: true, retire: false },
    keys: {
      ...{ out, keySize: 2048, hash: 'sha256', validFor: 86_400_000, pfxEncryption: 'AES256_SHA256' },
      ...{ passphraseFile: null, maxCertificates: 1200, subjects: [], machinesOf: {} },
    },
  });
  yield line({ type: 'targets-complete' });
  for (let user = 0; user < users; user++) {
    yield line({
      type: 'intent',
      server: 'file',
      user: { account: `CORP\\user${user}`, dn: dnOf(user), sid: null, guid: null, protected: false },
      before: { blob: randomBytes(BLOB_BYTES).toString('base64'), digests: [] },
      after: randomBytes(32).toString('hex'),
      ...{ digestsAdded: [], digestsRemoved: [], items: [] },
    });
    yield line({ type: 'outcome', user: dnOf(user).toLowerCase(), outcome: 'swapped', error: null });
  }
}

function userRecord(user: number): string {
  return `dn: ${dnOf(user)}\nobjectClass: user\nsAMAccountName: user${user}\n`;
}

function dnOf(user: number): string {
  return `CN=user${user},OU=MQ,DC=corp,DC=example`;
}
