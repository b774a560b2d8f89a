import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { MsmqCertError } from '../../src/errors.ts';
import { type ManifestRow, readManifest } from '../../src/plan/manifest.ts';
import { assertGrowsStraight } from '../growth.ts';

async function read(...chunks: (string | Uint8Array)[]) {
  const rows: ManifestRow[] = [];
  let repeats = 0;
  for await (const read of readManifest(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), 'fleet.csv')) {
    if (read.kind === 'repeat') repeats++;
    else rows.push(read.row);
  }
  return { rows, repeats };
}

async function problemsOf(text: string | Uint8Array): Promise<{ message: string; problems: readonly string[] }> {
  try {
    await read(text);
  } catch (error) {
    if (error instanceof MsmqCertError && error.code === 'invalid-manifest') return error;
    throw error;
  }
  throw new assert.AssertionError({ message: 'the manifest was accepted' });
}

const alice = { line: 2, user: 'alice', machine: 'PC-1', certificate: null, validForMs: null };

describe('manifests', () => {
  it('are read as CSV, with the line of each row', async () => {
    const { rows } = await read('user,machine,valid_for\nalice,PC-1,\n\n"bob, jr",pc-2.corp.example,30d\n');
    assert.deepEqual(rows, [
      alice,
      { line: 4, user: 'bob, jr', machine: 'pc-2.corp.example', certificate: null, validForMs: 2_592_000_000 },
    ]);
  });

  it('are read as a spreadsheet writes them: byte order mark, semicolons, tabs, UTF-16', async () => {
    const variants = [
      Buffer.from('\uFEFFUser;Machine\r\nalice;PC-1\r\n'),
      Buffer.from('\uFEFFuser\tmachine\r\nalice\tPC-1\r\n', 'utf16le'),
      Buffer.from('\uFEFFuser,machine\nalice,PC-1', 'utf16le').swap16(),
    ];
    for (const bytes of variants) assert.deepEqual((await read(bytes)).rows, [alice]);
  });

  it('are read as a JSON array and as NDJSON', async () => {
    const row = '{"user": "alice", "machine": "PC-1"}';
    assert.deepEqual((await read(`[${row}]`)).rows, [{ ...alice, line: 1 }]);
    assert.deepEqual((await read(`${row}\n\n{"user": "bob", "certificate": "bob.cer"}\n`)).rows, [
      { ...alice, line: 1 },
      { line: 3, user: 'bob', machine: null, certificate: 'bob.cer', validForMs: null },
    ]);
  });

  it('merge rows that ask for the same twice', async () => {
    const manifest = await read('user,machine\nalice,PC-1\nALICE,pc-1.corp.example\nalice,PC-2\n');
    assert.equal(manifest.rows.length, 2);
    assert.equal(manifest.repeats, 1);
  });

  it('report every bad row with its line, all at once', async () => {
    const { message, problems } = await problemsOf(
      'user,machine,valid_for\n,PC-1,\nalice,,\nbob,"PC,2",\ncarol,PC-3,soon\n',
    );
    assert.equal(message, 'the manifest fleet.csv has 4 problems');
    assert.deepEqual(problems, [
      'line 2: the user is empty',
      'line 3: the machine is empty',
      'line 4: the machine name "PC,2" has a character no machine name can have',
      'line 5: valid_for is soon, which is no duration',
    ]);
  });

  it('refuse one certificate for two users', async () => {
    const { problems } = await problemsOf('user,machine,certificate\nalice,PC-1,a.cer\nbob,PC-2,a.cer\n');
    assert.deepEqual(problems, ['line 3: a.cer is given for bob and for alice']);
  });

  it('refuse what is no manifest', async () => {
    assert.match((await problemsOf('name,machine\nalice,PC-1\n')).message, /unknown column "name"/);
    assert.match((await problemsOf('user\nalice\n')).message, /no column machine/);
    assert.match((await problemsOf('user,machine\n')).message, /no rows/);
    assert.match((await problemsOf('')).message, /no rows/);
    assert.match((await problemsOf('user,machine\nalice,PC-1,PC-2\n')).message, /cannot be read: .*line 2/i);
    assert.match(
      (await problemsOf(Buffer.from('user,machine\nJos\xe9,PC-1\n', 'latin1'))).message,
      /neither UTF-8 nor UTF-16/,
    );
    assert.deepEqual((await problemsOf('{"user": "alice", "machine": \n')).problems, [
      'line 1: this is no JSON object',
    ]);
  });

  it('do not depend on how the bytes arrive', async () => {
    const text = Buffer.from('\uFEFFuser,machine\nMüller,PC-1\nbob,PC-2\n', 'utf16le');
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: text.length - 1 }), async (cut) => {
        const whole = await read(text);
        assert.deepEqual(await read(text.subarray(0, cut), text.subarray(cut)), whole);
      }),
    );
  });

  it('take as long for one host in many domains as for many hosts', async () => {
    await assertGrowsStraight(async (size) => {
      const rows = Array.from({ length: size }, (_, index) => `alice,pc-1.d${index}.example`);
      assert.deepEqual((await read(`user,machine\n${rows.join('\n')}\n`)).repeats, 0);
    });
  });
});
