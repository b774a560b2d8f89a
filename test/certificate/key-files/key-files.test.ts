import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type KeyFiles,
  keyFilesOf,
  passphraseFrom,
  randomPassphrase,
  removeKeyFiles,
  setAside,
  writeKeyFiles,
} from '../../../src/certificate/key-files/key-files.ts';
import { withFolder } from '../support.ts';

const digest = '0123456789abcdef0123456789abcdef';
const content = { pfx: Buffer.from('pfx'), certificate: Buffer.from('cer'), passphrase: 'secret' };

async function filesIn(out: string, keepsPassphrase = true, machine = 'PC-1'): Promise<KeyFiles & { pfx: string }> {
  return await keyFilesOf({ out, account: 'CORP\\alice', machine, digest }, keepsPassphrase);
}

async function write(out: string): Promise<KeyFiles & { pfx: string }> {
  const files = await filesIn(out);
  await writeKeyFiles(files, content);
  return files;
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

describe('writeKeyFiles', () => {
  it('writes a set that only its owner can read, and nothing else', async () => {
    await withFolder(async (folder) => {
      const out = join(folder, 'new', 'out');
      const files = await write(out);
      const expected = join(out, 'CORP_alice', 'PC-1', digest);
      assert.deepEqual(files, {
        pfx: `${expected}.pfx`,
        certificate: `${expected}.cer`,
        passphrase: `${expected}.pass`,
      });
      assert.equal(await readFile(files.pfx, 'utf8'), 'pfx');
      assert.equal(await readFile(files.certificate, 'utf8'), 'cer');
      assert.equal(await passphraseFrom(`${expected}.pass`), 'secret');
      for (const path of [files.pfx, files.certificate, `${expected}.pass`]) assert.equal(await modeOf(path), 0o600);
      for (const path of [out, dirname(dirname(expected)), dirname(expected)]) assert.equal(await modeOf(path), 0o700);
      assert.deepEqual(await readdir(dirname(files.pfx)), [`${digest}.cer`, `${digest}.pass`, `${digest}.pfx`]);
      assert.deepEqual(await filesIn(out, true, 'pc-1'), files, 'whatever the case of the machine');
    });
  });

  it('writes no passphrase where it is kept elsewhere', async () => {
    await withFolder(async (out) => {
      const files = await filesIn(out, false);
      await writeKeyFiles(files, { ...content, passphrase: null });
      assert.equal(files.passphrase, null);
      assert.deepEqual(await readdir(dirname(files.pfx)), [`${digest}.cer`, `${digest}.pfx`]);
    });
  });

  for (const taken of ['pass', 'pfx', 'cer']) {
    it(`does not overwrite a .${taken} file, and removes the others of the set again`, async () => {
      await withFolder(async (out) => {
        const folder = join(out, 'CORP_alice', 'PC-1');
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeFile(join(folder, `${digest}.${taken}`), 'mine');
        await assert.rejects(write(out), { code: 'file-exists' });
        assert.deepEqual(await readdir(folder), [`${digest}.${taken}`]);
        assert.equal(await readFile(join(folder, `${digest}.${taken}`), 'utf8'), 'mine');
      });
    });
  }

  it('keeps the first of two sets of one digest whole', async () => {
    await withFolder(async (out) => {
      const results = await Promise.allSettled([write(out), write(out)]);
      assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
      assert.equal((await readdir(join(out, 'CORP_alice', 'PC-1'))).length, 3);
    });
  });

  it('says so when a file is in the place of a folder', async () => {
    await withFolder(async (folder) => {
      const file = join(folder, 'file');
      await writeFile(file, '');
      await assert.rejects(write(file), { code: 'file-unwritable' });
      await writeFile(join(folder, 'CORP_alice'), '');
      await assert.rejects(write(folder), { code: 'file-unwritable' });
    });
  });

  it('writes nothing where others could exchange it', async () => {
    await withFolder(async (out) => {
      const folder = join(out, 'CORP_alice');
      await mkdir(folder);
      await chmod(folder, 0o777);
      await assert.rejects(write(out), { code: 'untrusted-path' });
      assert.deepEqual(await readdir(folder), []);
    });
  });

  it('refuses a digest that is none', async () => {
    const target = { out: 'out', account: 'CORP\\alice', machine: 'PC-1', digest: '../../x' };
    await assert.rejects(keyFilesOf(target, true), { code: 'internal' });
  });
});

describe('removeKeyFiles', () => {
  it('removes the whole set, also what a crash left of it, and is content when it is gone', async () => {
    await withFolder(async (out) => {
      const files = await write(out);
      await writeFile(`${files.certificate}.tmp`, '');
      await writeFile(join(dirname(files.pfx), 'notes.txt'), '');
      await removeKeyFiles(files);
      assert.deepEqual(await readdir(dirname(files.pfx)), ['notes.txt']);
      await removeKeyFiles(files);
    });
  });
});

describe('setAside', () => {
  it('gives what is there other names, and says them', async () => {
    await withFolder(async (out) => {
      const files = await write(out);
      await removeKeyFiles({ ...files, pfx: files.certificate, passphrase: null });
      const moved = await setAside(files);
      assert.deepEqual(await Promise.all(moved.map((path) => readFile(path, 'utf8'))), ['pfx', 'secret\n']);
      assert.deepEqual((await readdir(dirname(files.pfx))).length, 2);
      await writeKeyFiles(files, content);
    });
  });
});

describe('randomPassphrase', () => {
  it('has 30 characters of an alphabet of 32 without look-alikes', () => {
    const all = Array.from({ length: 200 }, randomPassphrase);
    for (const passphrase of all) assert.match(passphrase, /^([0-9a-hjkmnp-tv-z]{5}-){5}[0-9a-hjkmnp-tv-z]{5}$/);
    assert.equal(new Set(all).size, all.length);
    assert.equal(new Set(all.join('').replaceAll('-', '')).size, 32);
  });
});

describe('passphraseFrom', () => {
  async function read(bytes: Buffer | string): Promise<string> {
    return withFolder(async (folder) => {
      const file = join(folder, 'passphrase');
      await writeFile(file, bytes);
      return passphraseFrom(file);
    });
  }

  it('gives the first line, whatever its end and encoding', async () => {
    assert.equal(await read(' pässwörd \nsecond'), ' pässwörd ');
    assert.equal(await read('a\r\nb'), 'a');
    assert.equal(await read('a'), 'a');
    assert.equal(await read('\ufeffé\n'), 'é');
    assert.equal(await read(Buffer.from('\ufeffé\r\n', 'utf16le')), 'é');
  });

  it('refuses a file without a passphrase', async () => {
    for (const text of ['', '\n', '\r\nsecond']) await assert.rejects(read(text), { code: 'usage' });
    await assert.rejects(read(Buffer.of(0x61, 0xe9)), { code: 'file-unreadable' });
    await assert.rejects(passphraseFrom(join('no', 'such', 'file')), { code: 'file-unreadable' });
  });
});
