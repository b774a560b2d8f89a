import assert from 'node:assert/strict';
import { readdir, rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beginHeartbeat, type Heartbeat, isAtWork, type Pulse, takeHeartbeat } from '../../src/files/heartbeat.ts';
import { withFolder } from '../certificate/support.ts';

/** Beats once in an hour, so only when it is asked to: time passes when a test says so. */
const pulse: Pulse = { beatMs: 3_600_000, deadAfterMs: 5000, pause: async () => {} };

const silent = () => {};

async function signs(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.alive'));
}

/** As if the process had shown no sign of life for a minute. */
async function stop(folder: string, seconds = 60): Promise<void> {
  const [sign = ''] = await signs(folder);
  const then = Date.now() / 1000 - seconds;
  await utimes(join(folder, sign), then, then);
}

async function take(journal: string, changes: Partial<Pulse> = {}, onWait = silent): Promise<Heartbeat | null> {
  return await takeHeartbeat(journal, false, onWait, { ...pulse, ...changes });
}

describe('the heartbeat of a run', () => {
  const withRun = (work: (journal: string, folder: string, first: Heartbeat) => Promise<void>) => () =>
    withFolder(async (folder) => {
      const journal = join(folder, 'run.ndjson');
      const first = await beginHeartbeat(journal, pulse);
      try {
        await work(journal, folder, first);
      } finally {
        await first.release('ended');
      }
    });

  it(
    'keeps others away as long as it beats',
    withRun(async (journal, _folder, first) => {
      const beats = { pause: () => first.assertHeld() };
      assert.equal(await take(journal, beats), null);
      assert.equal(await isAtWork(journal, silent, { ...pulse, ...beats }), true);
      await first.assertHeld();
    }),
  );

  it(
    'is taken at once when it has been silent for long enough, and the first one finds out before it writes again',
    withRun(async (journal, folder, first) => {
      await stop(folder);
      const waits: number[] = [];
      const second = await take(journal, {}, () => waits.push(1));
      assert.ok(second);
      assert.deepEqual(waits, []);
      await assert.rejects(first.assertHeld(), { code: 'file-locked' });
      assert.equal(first.lost.aborted, true);
      await second.assertHeld();
      await second.release('ended');
    }),
  );

  it(
    'is taken after a wait when its last beat is recent, and says so',
    withRun(async (journal) => {
      const waits: number[] = [];
      const second = await take(journal, { deadAfterMs: 30 }, () => waits.push(1));
      assert.ok(second);
      assert.deepEqual(waits, [1]);
      await second.release('ended');
    }),
  );

  it(
    'believes no time that lies ahead of the clock of the file server, and none that lies long behind it',
    withRun(async (journal, folder, first) => {
      await stop(folder, -7200);
      assert.equal(await take(journal, { pause: () => first.assertHeld() }), null, 'it beats');
      await stop(folder, -7200);
      const second = await take(journal, { deadAfterMs: 30 });
      assert.ok(second, 'it does not');
      await second.release('ended');
    }),
  );

  it(
    'is taken by one of many',
    withRun(async (journal, folder) => {
      await stop(folder);
      const taken = await Promise.all(Array.from({ length: 8 }, () => take(journal)));
      const [second, ...others] = taken.filter((each) => each !== null);
      assert.ok(second);
      assert.deepEqual(others, []);
      await second.assertHeld();
      await second.release('ended');
    }),
  );

  it(
    'need not be waited for when it was given back',
    withRun(async (journal, folder, first) => {
      await first.release('open');
      assert.equal(await isAtWork(journal, assert.fail, pulse), false);
      const second = await take(journal, {}, assert.fail);
      assert.ok(second);
      await second.release('ended');
      assert.deepEqual(await signs(folder), []);
    }),
  );

  it(
    'is not believed to be gone with its file: whoever finds none waits for the next beat',
    withRun(async (journal, folder) => {
      const [sign = ''] = await signs(folder);
      await rename(join(folder, sign), join(folder, 'elsewhere'));
      let restored = false;
      const pause = async () => {
        restored = true;
        await rename(join(folder, 'elsewhere'), join(folder, sign));
      };
      assert.equal(await take(journal, { pause }), null);
      assert.ok(restored);
    }),
  );

  it('gives way where two have made one each', () =>
    withFolder(async (folder) => {
      const journal = join(folder, 'run.ndjson');
      const other = join(folder, 'run.ndjson.0123456789abcdef.alive');
      const taken = await take(journal, { pause: () => writeFile(other, '.') });
      assert.equal(taken, null);
      assert.deepEqual(await signs(folder), ['run.ndjson.0123456789abcdef.alive']);
    }));

  it('leaves nothing behind', () =>
    withFolder(async (folder) => {
      const first = await beginHeartbeat(join(folder, 'run.ndjson'), pulse);
      await first.assertHeld();
      await first.release('ended');
      assert.deepEqual(await readdir(folder), []);
    }));
});
