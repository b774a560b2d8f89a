import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFolder } from '../certificate/support.ts';
import { outcomeOf, runMsmqCert, startMsmqCert } from '../cli/msmq-cert.ts';
import {
  assertDesired,
  dealOut,
  journalIn,
  journalsIn,
  keyFilesOf,
  readPairs,
  resetUsers,
  together,
  userNames,
  writeManifest,
} from './bulk.ts';
import { keyFilesBelow, type Mutation, mutation, reaching } from './command-line.ts';
import { gateProxy } from './gate-proxy.ts';
import { type Lab, runAdLab, startLab } from './lab.ts';

describe('A bulk run and what happens around it', () => {
  const users = userNames(51, 70);
  let lab: Lab;
  before(async () => {
    lab = await startLab({ users: 200 });
  });
  for (const when of [beforeEach, afterEach]) when(() => resetUsers(lab, users));

  /** The words that register these pairs, in a file of their own. */
  const registering = async (folder: string, name: string, wanted: ReturnType<typeof dealOut>, url = lab.url) => {
    const manifest = join(folder, `${name}.csv`);
    await writeManifest(manifest, wanted);
    const options = ['--out', join(folder, 'certs'), ...reaching(lab, 'provisioner', url)];
    return ['register', '--manifest', manifest, ...options];
  };

  describe('when another runs at the same time', () => {
    it('on overlapping users, nothing is lost', () =>
      withFolder(async (folder) => {
        const one = dealOut(users.slice(0, 14), 28, 'A');
        const other = dealOut(users.slice(6), 28, 'B');
        const words = [await registering(folder, 'one', one), await registering(folder, 'other', other)];
        const results = await Promise.all(words.map((each) => mutation(each)));
        assert.deepEqual(
          results.map(({ code, summary }) => [code, summary.added]),
          [
            [0, 28],
            [0, 28],
          ],
        );
        const entries = await assertDesired(lab, join(folder, 'certs'), together(one, other));
        assert.deepEqual(await keyFilesBelow(join(folder, 'certs')), keyFilesOf(entries));
      }));

    it('with the same manifest, each pair is registered once', () =>
      withFolder(async (folder) => {
        const wanted = dealOut(users, 30);
        const words = await registering(folder, 'same', wanted);
        const results = await Promise.all([mutation(words), mutation(words)]);
        assert.deepEqual(
          results.map(({ code }) => code),
          [0, 0],
        );
        const [added, unchanged] = sums(results);
        assert.deepEqual([added, unchanged], [30, 30]);
        const entries = await assertDesired(lab, join(folder, 'certs'), wanted);
        assert.deepEqual(await keyFilesBelow(join(folder, 'certs')), keyFilesOf(entries));
      }));

    it('replace has one certificate for each machine in the end', () =>
      withFolder(async (folder) => {
        const wanted = dealOut(users.slice(0, 10), 20);
        await mutation(await registering(folder, 'first', wanted));
        const words = ['replace', ...wanted.keys(), '--out', join(folder, 'certs'), ...reaching(lab)];
        const results = await Promise.all([mutation(words), mutation(words)]);
        assert.deepEqual(
          results.map(({ code }) => code),
          [0, 0],
        );
        await assertDesired(lab, join(folder, 'certs'), wanted);
      }));
  });

  describe('when the domain controller', () => {
    const wanted = dealOut(users, 40);

    /** A run that cannot come to its end: it has written some users, and its next write stands before the gate. */
    async function startHalfway(folder: string) {
      // two certificates are more than this, and the search for all users is less
      const gate = await gateProxy(lab.ip, { minimumBytes: 1500, passing: 3 });
      const child = startMsmqCert([
        ...(await registering(folder, 'all', wanted, gate.url)),
        ...['--ndjson', '--no-progress'],
      ]);
      const outcome = outcomeOf(child);
      await Promise.race([gate.held(1), outcome]);
      return { gate, outcome };
    }

    it('is restarted, it survives, or ends with exit code 3 and is taken up again', () =>
      withFolder(async (folder) => {
        const { gate, outcome } = await startHalfway(folder);
        await runAdLab(['stop-dc', '1', '--dir', lab.dir]);
        gate.open();
        await runAdLab(['start-dc', '1', '--dir', lab.dir]);
        const { code, stderr } = await outcome;
        await gate.close();
        assert.ok(code === 0 || code === 3, stderr);
        const again = await mutation(await registering(folder, 'all', wanted));
        assert.equal(again.code, 0, again.stderr);
        await assertDesired(lab, join(folder, 'certs'), wanted);
      }));

    it('stays away, it ends with exit code 3, says how to go on, and is taken up again', () =>
      withFolder(async (folder) => {
        const out = join(folder, 'certs');
        const { gate, outcome } = await startHalfway(folder);
        await runAdLab(['stop-dc', '1', '--dir', lab.dir]);
        gate.open();
        const { code, stdout, stderr } = await outcome.finally(() => runAdLab(['start-dc', '1', '--dir', lab.dir]));
        await gate.close();
        assert.equal(code, 3, stderr);
        const { stopped } = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
        assert.equal(stopped.error.code, 'directory-unreachable', stderr);
        assert.ok(stopped.remaining > 0);

        const resumed = await mutation(['resume', await journalIn(out), ...reaching(lab)]);
        assert.deepEqual([resumed.code, resumed.summary.failed], [0, 0], resumed.stderr);
        const entries = await assertDesired(lab, out, wanted);
        assert.deepEqual(await keyFilesBelow(out), keyFilesOf(entries));
      }));
  });

  describe('when a user was changed since', () => {
    const [first = '', second = '', third = ''] = users;
    const three = dealOut([first, second, third], 3);

    it('undo leaves it alone, and takes the others back', () =>
      withFolder(async (folder) => {
        const out = join(folder, 'certs');
        await mutation(await registering(folder, 'three', three));
        const journal = await journalIn(out);
        await mutation(['register', second, '--machine', 'OTHER', '--out', join(folder, 'rival'), ...reaching(lab)]);
        const changed = await readPairs(lab, [second]);

        const undone = await mutation(['undo', journal, ...reaching(lab)]);
        assert.equal(undone.code, 1);
        assert.deepEqual(failuresOf(undone), [[`CORP\\${second}`, 'changed-since']]);
        assert.deepEqual(await readPairs(lab, [first, second, third]), {
          [first]: { blob: null, digests: [] },
          ...changed,
          [third]: { blob: null, digests: [] },
        });
      }));

    it('apply refuses it and does the others; --replan plans it anew', () =>
      withFolder(async (folder) => {
        const [plan, out] = [join(folder, 'plan.json'), join(folder, 'certs')];
        const words = ['register', first, second, third, '--machine', 'PC-1', '--machine', 'PC-2'];
        await runMsmqCert(['plan', ...words, '--out', plan, ...reaching(lab)]);
        await mutation(['register', second, '--machine', 'PC-2', '--out', out, ...reaching(lab)]);

        const applied = await mutation(['apply', plan, '--out', out, ...reaching(lab)]);
        assert.deepEqual([applied.code, applied.summary.added], [1, 4]);
        assert.deepEqual(failuresOf(applied), [[`CORP\\${second}`, 'plan-outdated']]);
        const replanned = await mutation(['apply', plan, '--replan', '--out', out, ...reaching(lab)]);
        assert.deepEqual([replanned.code, replanned.summary.added, replanned.summary.failed], [0, 1, 0]);
        await assertDesired(lab, out, dealOut([first, second, third], 6));
      }));

    it('resume registers again what somebody removed in between, unless the run had come to its end', () =>
      withFolder(async (folder) => {
        const out = join(folder, 'certs');
        const words = await registering(folder, 'three', three);
        await mutation(words);
        await resetUsers(lab, [second]);
        const journal = await journalIn(out);
        const finished = await mutation(['resume', journal, '--detailed-exitcode', ...reaching(lab)]);
        assert.deepEqual([finished.code, finished.changed], [0, false]);

        await cutEnd(journal);
        const resumed = await mutation(['resume', journal, ...reaching(lab)]);
        assert.equal(resumed.code, 0, resumed.stderr);
        await assertDesired(lab, out, three);
      }));
  });

  it('takes the torn last line of its journal for what it is, and a changed line for a reason to stop', () =>
    withFolder(async (folder) => {
      const out = join(folder, 'certs');
      const wanted = dealOut(users.slice(0, 3), 3);
      const words = await registering(folder, 'three', wanted);
      await mutation(words);
      const journal = await journalIn(out);
      const lines = (await readFile(journal, 'utf8')).split('\n');

      // as a crash after the last write would have left it
      const torn = [...lines.slice(0, -2), '{"type":"end","at":"20'].join('\n');
      await writeFile(journal, torn);
      await writeFile(`${journal}.free.alive`, '.');
      const resumed = await runMsmqCert(['resume', journal, ...reaching(lab)]);
      assert.equal(resumed.code, 0);
      assert.equal(
        resumed.stderr,
        `going on with the run of ${journal}: 3 users were written before\n` +
          `the last line of ${journal} was torn by a crash; 22 bytes dropped\n`,
      );

      const changed = lines.with(5, lines[5]?.slice(0, -10) ?? '');
      await writeFile(journal, changed.join('\n'));
      const before = await readPairs(lab, users);
      for (const verb of ['resume', 'undo']) {
        assert.deepEqual(await runMsmqCert([verb, journal, ...reaching(lab)]), {
          code: 2,
          stdout: '',
          stderr:
            `error[invalid-journal]: the journal ${journal} cannot be trusted: line 6 is not what was written\n` +
            'hint: nothing was changed; if a copy of the journal exists, use it, or look at the users with msmq-cert list\n',
        });
      }
      assert.deepEqual(await readPairs(lab, users), before);
      assert.deepEqual(await journalsIn(out), [journal]);
      await rm(journal);
    }));
});

/** Makes it the journal of a run that was stopped before its end. */
async function cutEnd(journal: string): Promise<void> {
  const lines = (await readFile(journal, 'utf8')).trimEnd().split('\n');
  assert.match(lines.pop() ?? '', /"type":"end"/);
  await writeFile(journal, `${lines.join('\n')}\n`);
  await writeFile(`${journal}.free.alive`, '.');
}

function sums(results: Mutation[]): [added: number, unchanged: number] {
  const sum = (key: 'added' | 'unchanged') => results.reduce((total, { summary }) => total + summary[key], 0);
  return [sum('added'), sum('unchanged')];
}

function failuresOf({ results }: Mutation): [string, string | undefined][] {
  return results.filter(({ error }) => error !== null).map(({ user, error }) => [user, error?.code]);
}
