import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { withFolder } from '../certificate/support.ts';

const demo = fileURLToPath(new URL('../../scripts/demo-queue', import.meta.url));

describe('The demonstration of the queue', function () {
  // it starts a domain controller and a database, and waits until a killed worker is missed
  this.timeout(400_000);

  it('registers every pair once although a worker is killed, takes it back, and leaves nothing', () =>
    withOpenFolder(async (folder) => {
      const { code, said } = await run(folder, () => {});
      assert.equal(code, 0, said);
      assert.match(said, /\n50 of 50 users done, [\s\S]*; [1-9]\d* retr(y|ies) so far\n/);
      assert.match(said, /\n {3}100 pairs in fleet\.csv, 100 certificates in the directory\n/);
      assert.match(said, /\n {3}Every pair is registered exactly once, and each has its key\.\n/);
      assert.match(said, /\nCORP\\user0050 {2}0 certificates, 0 bytes\n/);
      await assertNothingIsLeft(folder);
    }));

  it('leaves nothing when it is interrupted while the workers are at work', () =>
    withOpenFolder(async (folder) => {
      const { code, said } = await run(folder, (text, interrupt) => {
        if (text.includes('$ msmq-cert queue work ')) interrupt();
      });
      assert.equal(code, 130, said);
      assert.doesNotMatch(said, /Every pair is registered/);
      await assertNothingIsLeft(folder);
    }));
});

/** PostgreSQL runs as somebody else, who has to get to his folder below. */
async function withOpenFolder(use: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    await chmod(folder, 0o711);
    await use(folder);
  });
}

/** @param onText told what it has said so far; interrupting is what Ctrl+C in a terminal does: all its processes get it */
async function run(
  folder: string,
  onText: (text: string, interrupt: () => void) => void,
): Promise<{ code: number | null; said: string }> {
  // when it has to build first, the compiler would leave a cache of its own there
  const env = { ...process.env, TMPDIR: folder, NODE_DISABLE_COMPILE_CACHE: '1' };
  const child = spawn(demo, {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let isInterrupted = false;
  const interrupt = () => {
    if (isInterrupted || child.pid === undefined) return;
    isInterrupted = true;
    process.kill(-child.pid, 'SIGINT');
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      onText(said, interrupt);
    });
  }
  const [code] = await once(child, 'close');
  return { code, said };
}

async function assertNothingIsLeft(folder: string): Promise<void> {
  assert.deepEqual(await readdir(folder), []);
  const running = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
  assert.deepEqual(
    running.split('\n').filter((line) => line.includes(folder)),
    [],
  );
}
