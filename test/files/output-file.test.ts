import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createFile, openOutput, replaceFile } from '../../src/files/output-file.ts';
import { withFolder } from '../certificate/support.ts';

describe('An output file', () => {
  it('takes the place of an older one when it is complete, and is for its owner only', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'report.csv');
      writeFileSync(file, 'older', { mode: 0o644 });
      const output = await openOutput(file);
      output.stream.write('new');
      assert.equal(readFileSync(file, 'utf8'), 'older');
      output.stream.end('er');
      await output.commit();
      assert.equal(readFileSync(file, 'utf8'), 'newer');
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.deepEqual(readdirSync(folder), ['report.csv']);
    }));

  it('leaves the older one when it is discarded', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'report.csv');
      writeFileSync(file, 'older');
      const output = await openOutput(file);
      output.stream.write('new');
      await output.discard();
      assert.deepEqual([readdirSync(folder), readFileSync(file, 'utf8')], [['report.csv'], 'older']);
    }));

  it('is written under a name that differs each time', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'report.csv');
      const outputs = await Promise.all([openOutput(file), openOutput(file)]);
      assert.equal(new Set(readdirSync(folder)).size, 2);
      for (const name of readdirSync(folder)) assert.match(name, /^\.report\.csv\.[0-9a-f]{16}\.tmp$/);
      for (const output of outputs) await output.discard();
    }));

  it('replaces a link under its name and leaves alone what it leads to', () =>
    withFolder(async (folder) => {
      const [file, victim] = [join(folder, 'report.csv'), join(folder, 'victim')];
      writeFileSync(victim, 'precious');
      symlinkSync(victim, file);
      await replaceFile(file, 'report');
      assert.deepEqual([readFileSync(victim, 'utf8'), readFileSync(file, 'utf8')], ['precious', 'report']);
      assert.throws(() => readlinkSync(file));
    }));

  it('can be a pipe of ours', () =>
    withFolder(async (folder) => {
      const pipe = join(folder, 'pipe');
      execFileSync('mkfifo', [pipe]);
      const reader = spawn('cat', [pipe]);
      const read = text(reader.stdout);
      await replaceFile(pipe, 'through');
      assert.equal(await read, 'through');
      assert.ok(statSync(pipe).isFIFO());
    }));

  it('leaves nothing behind when it cannot take its name', () =>
    withFolder(async (folder) => {
      mkdirSync(join(folder, 'taken'));
      await assert.rejects(replaceFile(join(folder, 'taken'), 'x'), { code: 'file-unwritable' });
      await assert.rejects(openOutput(join(folder, 'no', 'folder')), { code: 'file-unwritable' });
      assert.deepEqual(readdirSync(folder), ['taken']);
    }));

  it('that must be new is refused where there is one', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'new');
      await createFile(file, 'first', 0o600);
      await assert.rejects(createFile(file, 'second', 0o600), { code: 'file-exists' });
      assert.equal(readFileSync(file, 'utf8'), 'first');
    }));

  it('that is new is written piece by piece, and is gone when a piece cannot be had', () =>
    withFolder(async (folder) => {
      const [whole, broken] = [join(folder, 'whole'), join(folder, 'broken')];
      await createFile(whole, async (write) => write('one ').then(() => write(Buffer.from('two'))), 0o600);
      assert.equal(readFileSync(whole, 'utf8'), 'one two');
      const failing = createFile(
        broken,
        async (write) => {
          await write('one ');
          throw new RangeError('no more');
        },
        0o600,
      );
      await assert.rejects(failing, RangeError);
      assert.deepEqual(readdirSync(folder), ['whole']);
    }));
});
