import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { signElsewhere } from '../../src/cli/machine.ts';
import { withFolder } from '../certificate/support.ts';

describe('signing in another process', () => {
  const { execPath } = process;
  afterEach(() => {
    process.execPath = execPath;
  });

  const ends: [what: string, program: string | null, message: RegExp][] = [
    ['cannot be started', null, /does not start \(ENOENT\)/],
    ['says nothing', 'exit 3', /said nothing/],
    ['says what is no answer', 'echo "{ half a"', /said nothing/],
    ['says why it failed', `echo '{"error":{"message":"no such key"}}'`, /: no such key$/],
  ];
  for (const [what, program, message] of ends) {
    it(`fails with one code when that process ${what}`, () =>
      withFolder(async (folder) => {
        const file = join(folder, 'program');
        if (program !== null) await writeFile(file, `#!/bin/sh\n${program}\n`, { mode: 0o700 });
        process.execPath = file;
        await assert.rejects(signElsewhere('0'.repeat(32), Buffer.of(1)), { code: 'signature-failed', message });
      }));
  }

  it('gives the signature', () =>
    withFolder(async (folder) => {
      process.execPath = join(folder, 'program');
      await writeFile(process.execPath, `#!/bin/sh\necho '{"signature":"AQI="}'\n`, { mode: 0o700 });
      assert.deepEqual(await signElsewhere('0'.repeat(32), Buffer.of(1)), Buffer.of(1, 2));
    }));
});
