import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import limit from 'p-limit';
import { assertPfxHolds, type RegisteredEntry, readEntries } from './command-line.ts';
import { type Lab, type RawPair, readPairIndependently, resetUser, writePair } from './lab.ts';
import { daysFromNow, seedCertificates } from './seeds.ts';

/** Programs of others that the helpers below start side by side. */
const atOnce = limit(8);

/** Plain users of a lab, from one number to another. */
export function userNames(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => `user${String(from + index).padStart(4, '0')}`);
}

/** Machines by user. */
export type Wanted = ReadonlyMap<string, readonly string[]>;

/** So many pairs of user and machine, dealt out to the users in turn. */
export function dealOut(users: readonly string[], pairs: number, prefix = 'PC'): Wanted {
  const numberOf = (user: number) => Math.ceil((pairs - user) / users.length);
  return new Map(
    users.map((user, index) => [
      user,
      Array.from({ length: numberOf(index) }, (_, machine) => `${prefix}-${machine + 1}`),
    ]),
  );
}

export function together(...parts: Wanted[]): Wanted {
  const all = new Map<string, string[]>();
  for (const [user, machines] of parts.flatMap((part) => [...part]))
    all.set(user, [...(all.get(user) ?? []), ...machines]);
  return all;
}

export async function writeManifest(file: string, wanted: Wanted): Promise<void> {
  const rows = [...wanted].flatMap(([user, machines]) => machines.map((machine) => `${user},${machine}`));
  await writeFile(file, ['user,machine', ...rows, ''].join('\n'));
}

/** The pairs of users, in a form that can be compared: digests are a set. */
export async function readPairs(lab: Lab, users: readonly string[]): Promise<Record<string, RawPair>> {
  const pairs = await atOnce.map(users, async (user) => {
    const { blob, digests } = await readPairIndependently(lab, user);
    return [user, { blob, digests: digests.sort(Buffer.compare) }] as const;
  });
  return Object.fromEntries(pairs);
}

export async function resetUsers(lab: Lab, users: readonly string[]): Promise<void> {
  await atOnce.map(users, (user) => resetUser(lab, user));
}

/** Gives a third of the users a certificate that names no machine, another third an orphan digest besides. */
export async function seedUsers(lab: Lab, users: readonly string[], folder: string): Promise<void> {
  const dates = { notBefore: daysFromNow(-9), notAfter: daysFromNow(9) };
  const certificates = await seedCertificates(
    folder,
    users.map((user) => ({ subject: `Mail of ${user}`, ...dates })),
  );
  await atOnce.map(
    certificates.entries().filter(([index]) => index % 3 > 0),
    async ([index, certificate]) => {
      const user = users[index] ?? '';
      const orphans = index % 3 === 2 ? [md5(Buffer.from(user))] : [];
      await writePair(lab, user, { blob: blobOf(certificate), digests: [md5(certificate), ...orphans] });
    },
  );
}

function blobOf(certificate: Buffer): Buffer {
  const head = Buffer.alloc(40);
  head.writeUInt32LE(1, 0);
  md5(certificate).copy(head, 4);
  Buffer.from(randomUUID().replaceAll('-', ''), 'hex').copy(head, 20);
  head.writeUInt32LE(certificate.length, 36);
  return Buffer.concat([head, certificate]);
}

function md5(bytes: Buffer): Buffer {
  return createHash('md5').update(bytes).digest();
}

export interface UserEntry extends RegisteredEntry {
  user: string;
}

/** What is registered for machines, by an independent reader; every digest is MD5 of its certificate and in mSMQDigests. */
export async function readRegistered(lab: Lab, users: readonly string[]): Promise<UserEntry[]> {
  const entries = await atOnce.map(users, async (user) => {
    const { blob, digests } = await readPairIndependently(lab, user);
    const present = new Set(digests.map((digest) => digest.toString('hex')));
    const registered = blob === null ? [] : await readEntries(blob);
    for (const { digest, md5: actual } of registered) assert.ok(digest === actual && present.has(digest), user);
    return registered.filter(({ machine }) => machine !== null).map((entry) => ({ ...entry, user }));
  });
  return entries.flat();
}

/** Each user has exactly one certificate for each machine, and the PFX of each opens and holds its key. */
export async function assertDesired(lab: Lab, out: string, wanted: Wanted): Promise<UserEntry[]> {
  const entries = await readRegistered(lab, [...wanted.keys()]);
  const pairs = entries.map(({ user, machine }) => `${user} ${machine}`);
  assert.deepEqual(
    pairs.sort(),
    [...wanted].flatMap(([user, machines]) => machines.map((each) => `${user} ${each}`)).sort(),
  );
  await assertKeysAreThere(out, entries);
  return entries;
}

/** Never a registration without a key. */
export async function assertKeysAreThere(out: string, entries: readonly UserEntry[]): Promise<void> {
  await atOnce.map(entries, async (entry) => {
    const path = keySetOf(out, entry);
    await assertPfxHolds(`${path}.pfx`, `${path}.pass`, entry.certificate);
  });
}

function keySetOf(out: string, { user, machine, digest }: UserEntry): string {
  return join(out, `CORP_${user}`, machine ?? '', digest);
}

/** The names of key files, as filesBelow gives them. */
export function keyFilesOf(entries: readonly UserEntry[]): string[] {
  return entries
    .flatMap((entry) => ['cer', 'pass', 'pfx'].map((extension) => `${keySetOf('', entry)}.${extension}`))
    .sort();
}

export async function journalsIn(out: string): Promise<string[]> {
  const names = await readdir(join(out, 'journal'));
  const journals = names.filter((name) => name.endsWith('.ndjson'));
  return journals.sort().map((name) => join(out, 'journal', name));
}

/** The one journal of a folder. */
export async function journalIn(out: string): Promise<string> {
  const [journal, ...others] = await journalsIn(out);
  assert.ok(journal !== undefined && others.length === 0, 'exactly one journal');
  return journal;
}
