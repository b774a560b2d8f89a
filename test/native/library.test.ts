import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { bytesAt, foreignMemory, loadKoffi, openLibrary } from '../../src/native/library.ts';

const execFileAsync = promisify(execFile);

describe('a system library', () => {
  it('that is missing is one clear error', async () => {
    const koffi = await loadKoffi('Kerberos');
    const place = { purpose: 'Kerberos', names: ['libno-such.so.1', 'libno-such.so.2'], hint: 'install it' };
    assert.throws(() => openLibrary(koffi, place), {
      code: 'not-available',
      message: 'Kerberos is not available: libno-such.so.1 or libno-such.so.2 cannot be loaded',
      hint: 'install it',
    });
  });

  it('needs koffi, and says so where it is missing', async () => {
    const hook = "if (name === 'koffi') throw new Error('not installed'); return next(name, context);";
    const withoutKoffi = `import { registerHooks } from 'node:module';
      registerHooks({ resolve(name, context, next) { ${hook} } });
      const { loadKoffi } = await import(${JSON.stringify(new URL('../../src/native/library.ts', import.meta.url))});
      await loadKoffi('Kerberos').catch(({ code, message, hint }) => console.log(JSON.stringify({ code, message, hint })));`;
    const { stdout } = await execFileAsync(process.execPath, ['--input-type=module', '--eval', withoutKoffi]);
    assert.deepEqual(JSON.parse(stdout), {
      code: 'not-available',
      message: 'Kerberos is not available: the package "koffi" cannot be loaded',
      hint: 'install msmq-cert again without --omit=optional, on a platform that koffi has a program for',
    });
  });

  it('gets the very bytes, and no pointer for none', async () => {
    const koffi = await loadKoffi('Kerberos');
    const memory = foreignMemory(koffi);
    const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index % 251);
    try {
      assert.deepEqual(bytesAt(koffi, memory.hold(bytes), bytes.length), Buffer.from(bytes));
      assert.equal(memory.hold(new Uint8Array(0)), null);
      assert.deepEqual(bytesAt(koffi, null, 0), Buffer.alloc(0));
    } finally {
      memory.free();
    }
  });
});
