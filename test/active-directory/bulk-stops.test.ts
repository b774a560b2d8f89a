import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFolder } from '../certificate/support.ts';
import { outcomeOf, runMsmqCert, startMsmqCert } from '../cli/msmq-cert.ts';
import {
  assertDesired,
  assertKeysAreThere,
  dealOut,
  journalIn,
  journalsIn,
  keyFilesOf,
  readRegistered,
  resetUsers,
  userNames,
} from './bulk.ts';
import { type Item, keyFilesBelow, letTimePass, mutation, reaching } from './command-line.ts';
import { gateProxy } from './gate-proxy.ts';
import { type Lab, startLab } from './lab.ts';

describe('A bulk run that stops before its end', () => {
  const users = userNames(81, 88);
  const one = dealOut(users, users.length);
  let lab: Lab;
  before(async () => {
    lab = await startLab({ users: 200 });
  });
  for (const when of [beforeEach, afterEach]) when(() => resetUsers(lab, users));

  const registering = (out: string, names = users, url = lab.url) => [
    ...['register', ...names, '--machine', 'PC-1', '--out', out, '--concurrency', '2', '--no-progress'],
    ...reaching(lab, 'provisioner', url),
  ];

  describe('by an interrupt', () => {
    it('finishes the writes under way and says what is left; resume does the rest', () =>
      withFolder(async (out) => {
        const gate = await gateProxy(lab.ip);
        const child = startMsmqCert(registering(out, users, gate.url));
        const [outcome, stderr] = [outcomeOf(child), firstText(child.stderr)];
        await Promise.race([gate.held(1), outcome]);
        child.kill('SIGINT');
        await stderr;
        gate.open();
        const stopped = await outcome;
        await gate.close();

        const journal = await journalIn(out);
        const done = await readRegistered(lab, users);
        const left = users.length - done.length;
        assert.ok(done.length >= 1 && left >= 1, `${left} left`);
        await assertKeysAreThere(out, done);
        assert.equal(stopped.code, 130);
        assert.equal(
          stopped.stderr.replace(/ --directory .*/, ''),
          'stopping after the writes that are under way; once more stops at once\n' +
            'error[interrupted]: the run was stopped by SIGINT\n' +
            `hint: what is done stays done; the same command goes on with the run, and so does msmq-cert resume ${journal}\n` +
            `${left} users are left as they were\n`,
        );
        const rest = await mutation(['resume', journal, ...reaching(lab)]);
        assert.deepEqual([rest.code, rest.summary.failed], [0, 0], rest.stderr);
        const entries = await assertDesired(lab, out, one);
        assert.deepEqual(await keyFilesBelow(out), keyFilesOf(entries));
      }));

    it('stops at once the second time', () =>
      withFolder(async (out) => {
        const gate = await gateProxy(lab.ip);
        const child = startMsmqCert(registering(out, users, gate.url));
        const [outcome, stderr] = [outcomeOf(child), firstText(child.stderr)];
        await Promise.race([gate.held(1), outcome]);
        child.kill('SIGINT');
        await stderr;
        child.kill('SIGINT');
        assert.equal((await outcome).code, 130);
        await gate.close();

        await letTimePass(out);
        assert.equal((await mutation(['resume', await journalIn(out), ...reaching(lab)])).code, 0);
        const entries = await assertDesired(lab, out, one);
        assert.deepEqual(await keyFilesBelow(out), keyFilesOf(entries));
      }));
  });

  describe('by failures', () => {
    const failing = [
      { option: ['--fail-fast'], failed: 1 },
      { option: ['--max-failures', '1'], failed: 2 },
    ];
    for (const { option, failed } of failing) {
      it(`${option.join(' ')} begins no user after ${failed}`, () =>
        withFolder(async (out) => {
          // protected, reader and disabled cannot be written by this account
          const words = registering(out, ['protected', 'reader', 'administrator', ...users]);
          const stopped = await mutation([...words, '--concurrency', '1', ...option]);
          assert.equal(stopped.code, 1);
          assert.deepEqual(
            stopped.results.map(({ error }) => error?.code),
            Array(failed).fill('access-denied'),
          );
          const { stopped: why } = JSON.parse(stopped.stdout);
          assert.deepEqual([why.error.code, why.remaining], ['too-many-failures', users.length + 3 - failed]);
          assert.deepEqual(await readRegistered(lab, users), []);
        }));
    }

    it('goes on after them otherwise', () =>
      withFolder(async (out) => {
        const result = await mutation(registering(out, ['protected', ...users, 'reader']));
        assert.deepEqual([result.code, result.summary.added, result.summary.failed], [1, users.length, 2]);
        await assertDesired(lab, out, one);
      }));
  });

  it('leaves key files that the same command uses, that no other run touches, and that keys lists and removes', () =>
    withFolder(async (out) => {
      const gate = await gateProxy(lab.ip);
      const [user = ''] = users;
      const child = startMsmqCert(registering(out, [user], gate.url));
      const outcome = outcomeOf(child);
      await Promise.race([gate.held(1), outcome]);
      const keys = (...words: string[]) => runMsmqCert(['keys', '--out', out, ...words, '--json', ...reaching(lab)]);
      const states = async (...words: string[]) =>
        JSON.parse((await keys(...words)).stdout).keys.map((each: { state: string }) => each.state);
      assert.deepEqual(await states('--remove-orphaned', '--yes'), ['in-use']);
      child.kill('SIGKILL');
      await Promise.all([outcome, gate.close()]);
      await letTimePass(out);
      const left = await keyFilesBelow(out);
      assert.equal(left.length, 3);

      const elsewhere = await mutation([
        'register',
        user,
        '--machine',
        'PC-1',
        '--out',
        out,
        ...reaching(lab),
        '--always',
      ]);
      assert.deepEqual([elsewhere.code, elsewhere.summary.added], [0, 1]);
      assert.equal((await keyFilesBelow(out)).length, 6);
      await resetUsers(lab, [user]);
      const [journal = ''] = await journalsIn(out);
      const used = await runMsmqCert(['resume', journal, ...reaching(lab)]);
      assert.deepEqual([used.code, left.some((file) => used.stdout.includes(`${out}/${file}`))], [0, true]);

      assert.deepEqual((await states()).sort(), ['orphaned', 'registered']);
      assert.equal((await keys('--remove-orphaned')).code, 4);
      assert.equal((await keys('--remove-orphaned', '--yes')).code, 0);
      assert.deepEqual(await states(), ['registered']);
      assert.deepEqual(await keyFilesBelow(out), left);
    }));

  it('prints one result a line, and writes no more often than --rate allows', () =>
    withFolder(async (out) => {
      const begun = performance.now();
      const { code, stdout } = await runMsmqCert([...registering(out), '--ndjson', '--rate', '10']);
      assert.equal(code, 0);
      assert.ok(performance.now() - begun >= (users.length - 1) * 100);
      const lines = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      const summary = lines.pop();
      assert.deepEqual(
        lines.map(({ user }) => user).sort(),
        users.map((user) => `CORP\\${user}`),
      );
      assert.deepEqual([summary.schema, summary.summary.added], [1, users.length]);
    }));

  describe('with a deploy hook', () => {
    it('reports one that fails apart, and resume runs it alone', () =>
      withFolder(async (out) => {
        const log = join(out, 'deployed');
        const [first = '', second = '', third = ''] = users;
        const hook = (condition: string) =>
          `echo "$MSMQ_CERT_USER $MSMQ_CERT_MACHINE $MSMQ_CERT_DIGEST \${MSMQ_CERT_PASSWORD:-none}" >> ${log}; test -f "$MSMQ_CERT_PFX" || exit 9; ${condition}`;
        const failing = hook(`case "$MSMQ_CERT_USER" in *${second}) echo no such share; exit 7;; esac`);
        const words = registering(out, [first, second, third]);
        const password = words.splice(words.indexOf('--password-file'), 2)[1] ?? '';
        const env = { MSMQ_CERT_PASSWORD: (await readFile(password, 'utf8')).trim() };
        const outcome = await runMsmqCert([...words, '--deploy-hook', failing], { env });
        assert.equal(outcome.code, 1);
        assert.equal(
          outcome.stderr,
          `the deploy hook failed for CORP\\${second} on PC-1: exit code 7; the certificate is registered\n  no such share\n`,
        );
        const entries = await assertDesired(lab, out, dealOut([first, second, third], 3));
        const line = (user: string) => `CORP\\${user} PC-1 ${entries.find((each) => each.user === user)?.digest} none`;
        assert.deepEqual((await readFile(log, 'utf8')).trimEnd().split('\n').sort(), [first, second, third].map(line));

        await writeFile(log, '');
        const again = await mutation(['resume', await journalIn(out), '--deploy-hook', hook('true'), ...reaching(lab)]);
        assert.equal(again.code, 0, again.stderr);
        assert.equal(await readFile(log, 'utf8'), `${line(second)}\n`);
        const hooked = again.results.filter((item: Item & { hook?: object }) => item.hook !== undefined);
        assert.deepEqual(
          hooked.map(({ user }) => user),
          [`CORP\\${second}`],
        );
      }));

    it('ends one that takes too long', () =>
      withFolder(async (out) => {
        const [user = ''] = users;
        const words = [...registering(out, [user]), '--deploy-hook', 'sleep 600', '--hook-timeout', '300ms'];
        const { code, stderr } = await runMsmqCert(words);
        assert.equal(code, 1);
        assert.equal(
          stderr,
          `the deploy hook failed for CORP\\${user} on PC-1: timed out after 0.3 s; the certificate is registered\n`,
        );
        assert.equal((await readRegistered(lab, [user])).length, 1);
      }));
  });
});

/** Resolves with the first text of a stream that somebody else reads too. */
async function firstText(stream: NodeJS.ReadableStream): Promise<void> {
  await new Promise((resolve) => stream.once('data', resolve));
}
