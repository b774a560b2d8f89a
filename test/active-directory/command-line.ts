import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { openssl } from '../certificate/support.ts';
import { type Invocation, type Outcome, outcomeOf, startMsmqCert } from '../cli/msmq-cert.ts';
import { type IndependentEntry, readBlobIndependently } from './independent-reader.ts';
import { type AccountName, type Lab, type LdapAccess, readPairIndependently } from './lab.ts';

/** The options that lead to the lab. */
export function reaching(lab: Lab, as: AccountName = 'provisioner', url = lab.url): string[] {
  const { bind, passwordFile } = lab.accounts[as];
  return ['--directory', url, '--ca-file', lab.caFile, '--bind', bind, '--password-file', passwordFile];
}

/** The parts of a mutating command's document that these tests look at. */
export interface Mutation extends Outcome {
  changed: boolean;
  dryRun: boolean;
  summary: {
    users: number;
    added: number;
    removed: number;
    unchanged: number;
    failed: number;
    conflictsRetried: number;
    untouched?: number;
  };
  results: Item[];
}

export interface Item {
  user: string;
  machine: string | null;
  action: 'added' | 'replaced' | 'removed' | 'unchanged' | 'failed';
  digest: string | null;
  replacedDigest: string | null;
  files: { pfx: string; certificate: string; passphrase: string | null } | null;
  error: { code: string; message: string; hint: string | null } | null;
}

/** Runs a mutating command with --json. */
export async function mutation(words: string[], invocation: Invocation = {}): Promise<Mutation> {
  return await mutationOf(startMsmqCert([...words, '--json'], invocation));
}

/** The result of a mutating command that was started with --json. */
export async function mutationOf(child: ReturnType<typeof startMsmqCert>): Promise<Mutation> {
  const outcome = await outcomeOf(child);
  assert.ok(outcome.stdout.includes('"results"'), outcome.stderr);
  return { ...outcome, ...JSON.parse(outcome.stdout) };
}

/** `PC-1 added` for every result, in the order of the document. */
export function actionsOf({ results }: Mutation): string[] {
  return results.map(({ machine, action }) => `${machine} ${action}`);
}

export interface RegisteredEntry extends IndependentEntry {
  /** DER. */
  certificate: Buffer;
  /** The whole entry, as it stands in the blob. */
  raw: Buffer;
  machine: string | null;
}

/**
 * What is registered, by an independent reader: every digest is MD5 of its certificate, and the digests in the blob
 * and in the attribute are the same set.
 */
export async function readConsistentPair(lab: Lab, name: string, access: LdapAccess = {}): Promise<RegisteredEntry[]> {
  const { blob, digests } = await readPairIndependently(lab, name, access);
  const entries = blob === null ? [] : await readEntries(blob);
  for (const { digest, md5 } of entries) assert.equal(digest, md5);
  assert.deepEqual(digests.map((digest) => digest.toString('hex')).sort(), entries.map(({ digest }) => digest).sort());
  return entries;
}

export async function readEntries(blob: Buffer): Promise<RegisteredEntry[]> {
  const entries = await readBlobIndependently(blob);
  return entries.map((entry) => {
    const raw = blob.subarray(entry.offset, entry.offset + 36 + entry.bytes);
    const [, machine = null] = /^CN=\[[^,]+\\, (.+)\]$/.exec(entry.subject ?? '') ?? [];
    return { ...entry, raw, certificate: raw.subarray(36), machine };
  });
}

/** The machines of the entries, in the order of the blob. */
export function machinesOf(entries: RegisteredEntry[]): (string | null)[] {
  return entries.map(({ machine }) => machine);
}

/** openssl opens the PFX and finds the certificate in it, and the key that belongs to it. */
export async function assertPfxHolds(pfx: string, passphraseFile: string, certificate: Buffer): Promise<void> {
  const pem = await openssl('pkcs12', '-in', pfx, '-passin', `file:${passphraseFile}`, '-nodes');
  const expected = new X509Certificate(certificate);
  assert.equal(new X509Certificate(pem.slice(pem.indexOf('-----BEGIN CERTIFICATE'))).raw.compare(expected.raw), 0);
  assert.ok(expected.checkPrivateKey(createPrivateKey(pem.slice(pem.indexOf('-----BEGIN PRIVATE KEY')))));
}

/** As if the runs that were killed had shown no sign of life for a minute, so that nobody waits to see whether they do. */
export async function letTimePass(out: string): Promise<void> {
  const folder = join(out, 'journal');
  const then = Date.now() / 1000 - 60;
  for (const name of await readdir(folder).catch(() => [])) {
    if (name.endsWith('.alive')) await utimes(join(folder, name), then, then);
  }
}

/** Every file below a folder but journals, relative to it and sorted; none when there is no folder. */
export async function keyFilesBelow(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));
  return paths.filter((path) => !path.split('/').includes('journal')).sort();
}

/** The journal that a run tells of with --json. */
export function journalOf({ stdout }: Outcome): string {
  return JSON.parse(stdout).journal;
}
