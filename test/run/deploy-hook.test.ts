import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { MsmqCertError } from '../../src/errors.ts';
import { failedItem } from '../../src/plan/results.ts';
import { runDeployHook } from '../../src/run/deploy-hook.ts';
import { withMemoryFolder } from './memory-folder.ts';
import { userNamed } from './scripted-directory.ts';

const item = { ...failedItem('PC-1', 'd'.repeat(32), new MsmqCertError('internal', 'unused')), error: null };
const LONG_MS = 600_000;

function hook(command: string, secrets: string[] = [], timeoutMs = LONG_MS) {
  return runDeployHook({ command, timeoutMs }, userNamed('alice'), item, secrets);
}

describe('A deploy hook', () => {
  it('is told by its environment what it is about, and says how it ended', async () => {
    const ended = await hook('printf "%s\\n" "$MSMQ_CERT_USER $MSMQ_CERT_MACHINE"; echo no share >&2; exit 3');
    assert.deepEqual([ended.outcome, ended.status], ['failed', 'exit code 3']);
    assert.deepEqual(ended.output.trimEnd().split('\n').sort(), ['CORP\\alice PC-1', 'no share']);
  });

  it('is over when it ends, though a child that it leaves behind holds its output', async () => {
    const ended = await hook('sleep 600 & echo $!');
    process.kill(Number(ended.output), 'SIGKILL');
    assert.deepEqual([ended.outcome, ended.status], ['done', 'exit code 0']);
  });

  it('is ended with all that it started when it takes too long', () =>
    withMemoryFolder(async (folder) => {
      const pipe = join(folder, 'pipe');
      execFileSync('mkfifo', [pipe]);
      // it comes to its end when the last process that writes into it has ended
      const written = text(createReadStream(pipe));
      const ended = await hook(`sleep 600 > ${pipe} & wait`, [], 200);
      assert.deepEqual([ended.outcome, ended.status], ['failed', 'timed out after 0.2 s']);
      assert.equal(await written, '');
    }));

  it('loses nothing of what it wrote before its end', async () => {
    const { output } = await hook('head -c 15000 /dev/zero | tr "\\0" x');
    assert.equal(output, 'x'.repeat(15_000));
  });

  it('prints no secret, wherever it stands', async () => {
    const secret = 'geheim';
    const { output } = await hook(`echo pass=${secret},${secret}!`, [secret]);
    assert.equal(output, 'pass=***,***!\n');
    for (const before of [16_378, 16_380, 16_384, 16_386, 16_389]) {
      const cut = await hook(`head -c ${before} /dev/zero | tr "\\0" x; printf ${secret}${secret}`, [secret]);
      assert.doesNotMatch(cut.output, /g|h/, `after ${before} characters`);
      assert.ok(cut.output.length <= 16_384);
    }
  });

  it('that cannot be started has failed', async () => {
    const ended = await hook('/nowhere/to/be/found');
    assert.deepEqual([ended.outcome, ended.status], ['failed', 'exit code 127']);
  });
});
