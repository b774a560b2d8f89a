import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Change, Pair } from '../../../src/blob/pair.ts';
import { ldifBinary } from '../../../src/directory/ldif/ldif.ts';
import { openLdifFile } from '../../../src/directory/ldif/ldif-file.ts';
import { readEverything } from '../listed.ts';

const fixtures = join(import.meta.dirname, '..', '..', 'fixtures');
const digest = (fill: number | string) => Buffer.alloc(16, fill);

describe('a swap in an LDIF file', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'msmq-cert-'));
    file = join(folder, 'users.ldif');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const text = () => readFileSync(file, 'utf8');

  async function swap(name: string, change: Partial<Change>, before?: Pair) {
    const directory = await openLdifFile(file, { lockWaitMs: 0 });
    const user = await directory.findUser(name);
    const read = before ?? (await directory.read(user));
    return await directory.swap(user, read, { blob: null, digestsToAdd: [], digestsToDelete: [], ...change });
  }

  it('changes the lines of one record and no other byte', async () => {
    const head = '# export\nversion: 1\n\ndn: CN=x,DC=x\nobjectClass: domain\nx:  two  spaces \n\n\n';
    const name = 'dn: CN=al\n ice,DC=x\n# about her\nDescription:  kept \n';
    const pair = `MSMQDIGESTS:: ${digest(1).toString('base64')}\nmSMQSignCertificates: old\nmail: alice@x\n`;
    const tail = `mSMQDigests:: ${digest(2).toString('base64')}\n# last\n\n\ndn: CN=bob,DC=x\ncn:: Ym9i`;
    writeFileSync(file, head + name + pair + tail);
    const change = { blob: Buffer.alloc(100, 'new'), digestsToAdd: [digest(3)], digestsToDelete: [digest(1)] };
    assert.deepEqual(await swap('alice', change), { kind: 'swapped' });
    const written = ldifBinary('mSMQSignCertificates', change.blob) + ldifBinary('mSMQDigests', digest(2));
    const rest = 'mail: alice@x\n# last\n\n\ndn: CN=bob,DC=x\ncn:: Ym9i';
    assert.equal(text(), `${head}${name}${written}${ldifBinary('mSMQDigests', digest(3))}${rest}`);
  });

  it('keeps the line ends of the record, and ends a last line that had none', async () => {
    copyFileSync(join(fixtures, 'ldifde.ldif'), file);
    await swap('bob', { blob: Buffer.alloc(100, 'new'), digestsToAdd: [digest(3)] });
    assert.doesNotMatch(text(), /[^\r]\n/);
    writeFileSync(file, 'dn: CN=bob,DC=x\ncn: bob');
    await swap('bob', { blob: Buffer.from('new') });
    assert.equal(text(), 'dn: CN=bob,DC=x\ncn: bob\nmSMQSignCertificates:: bmV3\n');
  });

  it('removes both attributes when nothing stays', async () => {
    copyFileSync(join(fixtures, 'ldapsearch-narrow.ldif'), file);
    const directory = await openLdifFile(file);
    const alice = await directory.findUser('alice');
    const before = await directory.read(alice);
    const change = { blob: null, digestsToAdd: [], digestsToDelete: before.digests };
    assert.deepEqual(await directory.swap(alice, before, change), { kind: 'swapped' });
    assert.match(text(), /dn: CN=alice,CN=Users,DC=corp,DC=example\n\n# bob/);
    assert.deepEqual(await directory.read(alice), { blob: null, digests: [] });
  });

  it('writes ranges of digests as one list', async () => {
    writeFileSync(file, 'dn: CN=a,DC=x\nmSMQDigests:\nmSMQDigests;range=0-0: one\nmSMQDigests;range=1-*: two\n');
    await swap('a', { digestsToAdd: [Buffer.from('three')] });
    assert.equal(text(), 'dn: CN=a,DC=x\nmSMQDigests:: b25l\nmSMQDigests:: dHdv\nmSMQDigests:: dGhyZWU=\n');
  });

  it('reads back what was swapped, for every user of the file and after every swap', async () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.option(fc.uint8Array({ maxLength: 200 }))), {
      minLength: 1,
      maxLength: 6,
    });
    const property = fc.asyncProperty(steps, fc.constantFrom('\n', '\r\n'), async (swaps, newline) => {
      writeFileSync(file, [0, 1, 2].map((n) => `dn: CN=u${n},DC=x${newline}cn: u${n}${newline}`).join(newline));
      const directory = await openLdifFile(file);
      const expected: (string | null)[] = [null, null, null];
      for (const [number, blob] of swaps) {
        const user = await directory.findUser(`u${number}`);
        const change = { blob, digestsToAdd: [], digestsToDelete: [] };
        assert.deepEqual(await directory.swap(user, await directory.read(user), change), { kind: 'swapped' });
        expected[number] = blob === null ? null : Buffer.from(blob).toString('hex');
      }
      const hex = (blob: Uint8Array | null) => (blob === null ? null : Buffer.from(blob).toString('hex'));
      for (const reader of [directory, await openLdifFile(file)]) {
        const users = await Promise.all(['u0', 'u1', 'u2'].map((name) => reader.findUser(name)));
        const pairs = await Promise.all(users.map((user) => reader.read(user)));
        assert.deepEqual(
          pairs.map(({ blob }) => hex(blob)),
          expected,
        );
      }
    });
    await fc.assert(property, { numRuns: 15 });
  });

  it('is a conflict where a directory would answer 16 or 20, and changes nothing', async () => {
    writeFileSync(file, `dn: CN=a,DC=x\nmSMQSignCertificates: old\n${ldifBinary('mSMQDigests', digest(1))}`);
    const original = text();
    const old = { blob: Buffer.from('old'), digests: [] };
    const blob = Buffer.from('new');
    for (const before of [
      { ...old, blob: Buffer.from('older') },
      { ...old, blob: null },
    ]) {
      assert.deepEqual(await swap('a', { blob }, before), { kind: 'conflict' });
    }
    assert.deepEqual(await swap('a', { blob, digestsToAdd: [digest(2), digest(1)] }, old), { kind: 'conflict' });
    assert.deepEqual(await swap('a', { blob, digestsToDelete: [digest(2)] }, old), { kind: 'conflict' });
    assert.equal(text(), original);
    const replaced = { blob, digestsToAdd: [digest(1)], digestsToDelete: [digest(1)] };
    assert.deepEqual(await swap('a', replaced, old), { kind: 'swapped' });
  });

  it('refuses a blob above the limit of the schema', async () => {
    writeFileSync(file, 'dn: CN=a,DC=x\n');
    assert.deepEqual(await swap('a', { blob: Buffer.alloc(1_048_576) }), { kind: 'swapped' });
    const outcome = await swap('a', { blob: Buffer.alloc(1_048_577) });
    assert.ok(outcome.kind === 'refused' && outcome.error.code === 'directory-limit');
  });

  it('writes through a symbolic link and keeps the mode', async () => {
    writeFileSync(file, 'dn: CN=a,DC=x\n', { mode: 0o640 });
    const link = join(folder, 'link.ldif');
    symlinkSync(file, link);
    const directory = await openLdifFile(link);
    const change = { blob: Buffer.from('new'), digestsToAdd: [], digestsToDelete: [] };
    await directory.swap(await directory.findUser('a'), { blob: null, digests: [] }, change);
    assert.match(text(), /bmV3/);
    assert.ok(lstatSync(link).isSymbolicLink());
    assert.equal(statSync(file).mode & 0o777, 0o640);
    assert.deepEqual(readdirSync(folder).sort(), ['link.ldif', 'users.ldif']);
  });

  it('leaves a read-only file alone', async () => {
    writeFileSync(file, 'dn: CN=a,DC=x\n', { mode: 0o444 });
    await assert.rejects(swap('a', { blob: Buffer.from('new') }), { code: 'file-unwritable', message: /users\.ldif/ });
    chmodSync(file, 0o644);
    assert.deepEqual(await swap('a', { blob: Buffer.from('new') }), { kind: 'swapped' });
  });

  it('gives up when another process keeps the lock', async () => {
    writeFileSync(file, 'dn: CN=a,DC=x\n');
    mkdirSync(`${file}.lock`);
    await assert.rejects(swap('a', { blob: Buffer.from('new') }), { code: 'file-locked', hint: /users\.ldif\.lock/ });
    assert.equal(text(), 'dn: CN=a,DC=x\n');
  });

  it('leaves the file as it was on a full disk', async () => {
    const original = `dn: CN=a,DC=x\n\n${'# filler\n'.repeat(2000)}`;
    writeFileSync(file, original);
    // A limit on the size of files stands for the disk: 8 blocks of at most 1,024 bytes are less than the copy needs.
    const command = 'ulimit -f 8 && exec "$0" "$@"';
    const rival = startRival('a', 'x', 1, { execPath: '/bin/sh', execArgv: ['-c', command, process.execPath] });
    const messages: unknown[] = [];
    rival.on('message', (code) => messages.push(code));
    assert.deepEqual(await once(rival, 'close'), [1, null]);
    assert.deepEqual(messages, ['disk-full']);
    assert.equal(text(), original);
    assert.deepEqual(readdirSync(folder), ['users.ldif']);
  });

  it('loses nothing when eight processes swap at once', async () => {
    copyFileSync(join(fixtures, 'ldapsearch.ldif'), file);
    const letters = [...'abcdefgh'];
    const rivals = letters.map((letter) => startRival('bob', letter, 5));
    const exits = await Promise.all(rivals.map((rival) => once(rival, 'exit')));
    assert.deepEqual(
      exits,
      letters.map(() => [0, null]),
    );
    const directory = await openLdifFile(file);
    const { blob, digests } = await directory.read(await directory.findUser('bob'));
    assert.equal(
      [...Buffer.from(blob ?? []).toString()].sort().join(''),
      letters.map((letter) => letter.repeat(5)).join(''),
    );
    const expected = letters.flatMap((letter) => [0, 1, 2, 3, 4].map((round) => `${letter}${round}`.padEnd(16)));
    assert.deepEqual(digests.map(String).sort(), expected);
  });

  it('loses nothing when one process swaps many users at once', async () => {
    writeFileSync(file, Array.from({ length: 12 }, (_, n) => `dn: CN=u${n},DC=x\n`).join('\n'));
    const directory = await openLdifFile(file);
    const swaps = Array.from({ length: 12 }, async (_, n) => {
      const user = await directory.findUser(`u${n}`);
      const change = { blob: Buffer.from(`${n}`), digestsToAdd: [], digestsToDelete: [] };
      return await directory.swap(user, await directory.read(user), change);
    });
    assert.deepEqual(new Set((await Promise.all(swaps)).map(({ kind }) => kind)), new Set(['swapped']));
    const blobs = (await readEverything(directory)).map(({ pair }) => Buffer.from(pair.blob ?? []).toString());
    assert.deepEqual(
      blobs,
      Array.from({ length: 12 }, (_, n) => `${n}`),
    );
  });

  function startRival(name: string, letter: string, times: number, options = {}): ChildProcess {
    return fork(join(import.meta.dirname, 'rival.ts'), [file, name, letter, `${times}`], options);
  }
});
