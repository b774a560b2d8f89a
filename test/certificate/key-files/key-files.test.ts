import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { link, mkdir, readdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import {
  adoptAbandoned,
  type KeyFiles,
  type KeyTarget,
  passphraseFrom,
  randomPassphrase,
  removeKeyFiles,
  settleKeyFiles,
  settleRegistered,
  sweepIncomplete,
  writeKeyFiles,
} from '../../../src/certificate/key-files/key-files.ts';
import { withFolder } from '../support.ts';

const digest = '0123456789abcdef0123456789abcdef';
const content = { pfx: Buffer.from('pfx'), certificate: Buffer.from('cer'), passphrase: 'secret' };
const owner = ['CORP\\alice', 'PC-1'] as const;
const [account, machine] = owner;

function target(out: string, changes: Partial<KeyTarget> = {}): KeyTarget {
  return { out, account, machine, digest, ...changes };
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

/** The claim of a process that has ended, in the place of this process's own. */
async function crash(files: KeyFiles, host = hostname()): Promise<string> {
  const folder = dirname(files.certificate);
  const claim = (await readdir(folder)).find((name) => name.endsWith('.pending')) ?? '';
  const { pid } = spawnSync('true');
  const abandoned = join(folder, `${digest}.${pid}.${host}.pending`);
  await rename(join(folder, claim), abandoned);
  return abandoned;
}

async function makeOld(path: string): Promise<void> {
  const twoHoursAgo = new Date(Date.now() - 2 * 60 * 60 * 1000);
  await utimes(path, twoHoursAgo, twoHoursAgo);
}

describe('writeKeyFiles', () => {
  it('writes a set that only its owner can read', async () => {
    await withFolder(async (folder) => {
      const out = join(folder, 'new', 'out');
      const files = await writeKeyFiles(target(out), content);
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
    });
  });

  it('leaves nothing but the set once it is settled', async () => {
    await withFolder(async (out) => {
      const files = await writeKeyFiles(target(out), content);
      await settleKeyFiles(files);
      assert.deepEqual(await readdir(dirname(files.pfx)), [`${digest}.cer`, `${digest}.pass`, `${digest}.pfx`]);
      await settleKeyFiles(files);
    });
  });

  it('writes no passphrase where it is kept elsewhere', async () => {
    await withFolder(async (out) => {
      const files = await writeKeyFiles(target(out), { ...content, passphrase: null });
      await settleKeyFiles(files);
      assert.equal(files.passphrase, null);
      assert.deepEqual(await readdir(dirname(files.pfx)), [`${digest}.cer`, `${digest}.pfx`]);
    });
  });

  for (const taken of ['pass', 'pfx', 'cer']) {
    it(`does not overwrite a .${taken} file, and removes the others of the set again`, async () => {
      await withFolder(async (out) => {
        const folder = join(out, 'CORP_alice', 'PC-1');
        await mkdir(folder, { recursive: true });
        await writeFile(join(folder, `${digest}.${taken}`), 'mine');
        await assert.rejects(writeKeyFiles(target(out), content), { code: 'file-exists' });
        assert.deepEqual(await readdir(folder), [`${digest}.${taken}`]);
        assert.equal(await readFile(join(folder, `${digest}.${taken}`), 'utf8'), 'mine');
      });
    });
  }

  it('keeps the first of two sets of one digest whole', async () => {
    await withFolder(async (out) => {
      const results = await Promise.allSettled([
        writeKeyFiles(target(out), content),
        writeKeyFiles(target(out), content),
      ]);
      assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
      assert.equal((await readdir(join(out, 'CORP_alice', 'PC-1'))).length, 4);
    });
  });

  it('says so when a file is in the place of a folder', async () => {
    await withFolder(async (folder) => {
      const file = join(folder, 'file');
      await writeFile(file, '');
      await assert.rejects(writeKeyFiles(target(file), content), { code: 'file-unwritable' });
      await writeFile(join(folder, 'CORP_alice'), '');
      await assert.rejects(writeKeyFiles(target(folder), content), { code: 'file-unwritable' });
      await assert.rejects(adoptAbandoned(file, ...owner), { code: 'file-unwritable' });
      await assert.rejects(sweepIncomplete(file, ...owner), { code: 'file-unwritable' });
    });
  });

  it('refuses a digest that is none', async () => {
    await assert.rejects(writeKeyFiles(target('out', { digest: '../../x' }), content), { code: 'internal' });
  });
});

describe('adoptAbandoned', () => {
  it('finds nothing where nothing is', async () => {
    await withFolder(async (out) => assert.deepEqual(await adoptAbandoned(join(out, 'none'), ...owner), []));
  });

  it('leaves a set alone that its process still works on, and a settled one', async () => {
    await withFolder(async (out) => {
      const files = await writeKeyFiles(target(out), content);
      assert.deepEqual(await adoptAbandoned(out, ...owner), []);
      await settleKeyFiles(files);
      assert.deepEqual(await adoptAbandoned(out, ...owner), []);
    });
  });

  it('takes over the set of a process that has ended, once, whatever the case of the machine', async () => {
    await withFolder(async (out) => {
      const files = await writeKeyFiles(target(out), content);
      await crash(files);
      const adopted = await Promise.all([adoptAbandoned(out, account, 'pc-1'), adoptAbandoned(out, ...owner)]);
      assert.deepEqual(adopted.flat(), [files]);
      assert.deepEqual(await adoptAbandoned(out, ...owner), []);
      await settleKeyFiles(files);
      assert.equal((await readdir(dirname(files.pfx))).length, 3);
    });
  });

  it('knows whether the passphrase is beside the set', async () => {
    await withFolder(async (out) => {
      const files = await writeKeyFiles(target(out), { ...content, passphrase: null });
      await crash(files);
      assert.deepEqual(await adoptAbandoned(out, ...owner), [files]);
    });
  });

  it('cannot ask another machine, and gives it an hour', async () => {
    await withFolder(async (out) => {
      const files = await writeKeyFiles(target(out), content);
      const claim = await crash(files, 'elsewhere');
      assert.deepEqual(await adoptAbandoned(out, ...owner), []);
      await makeOld(claim);
      assert.deepEqual(await adoptAbandoned(out, ...owner), [files]);
      assert.deepEqual(await adoptAbandoned(out, ...owner), [], 'the hour begins anew');
    });
  });

  it('removes the temporary name that a crash left beside a whole set', async () => {
    await withFolder(async (out) => {
      const files = await writeKeyFiles(target(out), content);
      await crash(files);
      await link(files.certificate, `${files.certificate}.tmp`);
      assert.deepEqual(await adoptAbandoned(out, ...owner), [files]);
      await settleKeyFiles(files);
      assert.equal((await readdir(dirname(files.pfx))).length, 3);
    });
  });

  it('takes no set that is not complete', async () => {
    await withFolder(async (out) => {
      const files = await writeKeyFiles(target(out), content);
      await crash(files);
      await rename(files.certificate, `${files.certificate}.tmp`);
      assert.deepEqual(await adoptAbandoned(out, ...owner), []);
    });
  });
});

describe('settleRegistered', () => {
  it('settles the set of a crashed run by its digest, and no other set', async () => {
    await withFolder(async (out) => {
      const files = await writeKeyFiles(target(out), content);
      await crash(files);
      await settleRegistered(out, account, 'pc-1', 'f'.repeat(32));
      assert.equal((await readdir(dirname(files.pfx))).length, 4);
      await settleRegistered(out, account, 'pc-1', digest);
      assert.deepEqual(await readdir(dirname(files.pfx)), [`${digest}.cer`, `${digest}.pass`, `${digest}.pfx`]);
      await settleRegistered(join(out, 'none'), account, machine, digest);
    });
  });
});

describe('sweepIncomplete', () => {
  async function incomplete(out: string): Promise<KeyFiles> {
    const files = await writeKeyFiles(target(out), content);
    await rename(files.certificate, `${files.certificate}.tmp`);
    return files;
  }

  it('removes what a crashed process left, and nothing else', async () => {
    await withFolder(async (out) => {
      const files = await incomplete(out);
      const folder = dirname(files.pfx);
      const claim = await crash(files);
      await writeFile(join(folder, 'notes.txt'), '');
      await writeFile(join(folder, `${'f'.repeat(32)}.pfx`), 'settled, its certificate moved elsewhere');
      const swept = await sweepIncomplete(out, ...owner);
      assert.deepEqual(swept.sort(), [claim, files.pfx, `${files.certificate}.tmp`, files.passphrase].sort());
      assert.deepEqual(await readdir(folder), [`${'f'.repeat(32)}.pfx`, 'notes.txt']);
    });
  });

  it('leaves a set in the making alone, and a complete one', async () => {
    await withFolder(async (out) => {
      await incomplete(out);
      assert.deepEqual(await sweepIncomplete(out, ...owner), []);
    });
    await withFolder(async (out) => {
      await crash(await writeKeyFiles(target(out), content));
      assert.deepEqual(await sweepIncomplete(out, ...owner), []);
    });
  });
});

describe('removeKeyFiles', () => {
  it('removes the whole set, and is content when it is gone', async () => {
    await withFolder(async (out) => {
      const files = await writeKeyFiles(target(out), content);
      await removeKeyFiles(files);
      assert.deepEqual(await readdir(dirname(files.pfx)), []);
      await removeKeyFiles(files);
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
