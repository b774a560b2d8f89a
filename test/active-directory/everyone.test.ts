import assert from 'node:assert/strict';
import { watch } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import limit from 'p-limit';
import type { Pair } from '../../src/blob/pair.ts';
import { withFolder } from '../certificate/support.ts';
import { outcomeOf, runMsmqCert, startMsmqCert } from '../cli/msmq-cert.ts';
import { certificate, pairOf } from '../judge/trouble.ts';
import { journalIn, journalsIn, readPairs, resetUsers, userNames } from './bulk.ts';
import { type Mutation, mutation, reaching } from './command-line.ts';
import { type Lab, ldapModify, startLab, writePair } from './lab.ts';

const USERS = 300;
const writes = limit(8);

/** One certificate of a user for PC-1, as the tool itself names them. */
function own(user: string, endsIn: number): Buffer {
  return certificate({ commonName: `[CORP/${user}, PC-1]`, startsIn: -400, endsIn });
}

function withoutDigests({ blob }: Pair): Pair {
  return { blob, digests: [] };
}

describe('A run over a whole domain', function () {
  this.timeout(240_000);

  const users = userNames(1, USERS);
  const [missing, expired, ending] = [users.slice(50, 62), users.slice(100, 110), users.slice(200, 208)];
  const troubled = [...missing, ...expired, ...ending].sort();
  let lab: Lab;
  before(async () => {
    lab = await startLab({ users: USERS });
    const computer = [
      `dn: CN=WS-7,CN=Computers,${lab.baseDn}`,
      ...['changetype: add', 'objectClass: computer', 'sAMAccountName: WS-7$', 'userAccountControl: 4096', ''],
    ];
    await ldapModify(lab, computer.join('\n'));
  });
  beforeEach(async () => {
    await resetUsers(lab, [...users.slice(0, 60), ...troubled]);
    const pairs = new Map<string, Pair>();
    for (const user of users.slice(0, 60)) pairs.set(user, pairOf([own(user, 900)]));
    for (const user of missing) pairs.set(user, withoutDigests(pairOf([own(user, 900)])));
    for (const [index, user] of expired.entries()) pairs.set(user, pairOf([own(user, -30 + index)]));
    for (const [index, user] of ending.entries()) pairs.set(user, pairOf([own(user, 5 + index)]));
    await writes.map([...pairs], ([user, pair]) => write(user, pair));
  });

  const write = async (user: string, { blob, digests }: Pair) =>
    await writePair(lab, user, {
      blob: Buffer.from(blob ?? []),
      digests: digests.map((digest) => Buffer.from(digest)),
    });
  const command = (out: string, ...more: string[]) => [
    ...['renew', '--everyone', '--broken', '--expiring-within', '30d', '--out', out],
    ...reaching(lab),
    ...more,
  ];
  const worked = ({ results }: Mutation, ...actions: string[]) =>
    results.flatMap(({ user, action }) => (actions.includes(action) ? user.replace('CORP\\', '') : [])).sort();

  it('mends exactly those in trouble, as its dry run says, and undo brings every byte back', () =>
    withFolder(async (folder) => {
      const out = join(folder, 'certs');
      const before = await readPairs(lab, users);
      const dry = await mutation(command(out, '--dry-run'));
      assert.deepEqual(worked(dry, 'added', 'replaced'), troubled);
      assert.deepEqual(await readPairs(lab, users), before);

      const made = await mutation(command(out));
      assert.equal(made.code, 0, made.stderr);
      assert.deepEqual(worked(made, 'added', 'replaced'), troubled);
      assert.equal(made.summary.untouched, dry.summary.untouched);
      const after = await readPairs(lab, users);
      const changed = users.filter((user) => JSON.stringify(after[user]) !== JSON.stringify(before[user]));
      assert.deepEqual(changed, troubled);

      const again = await mutation(command(out));
      assert.deepEqual([again.code, again.changed, again.summary.users], [0, false, 0]);
      const journal = await journalIn(out);
      assert.doesNotMatch(await readFile(journal, 'utf8'), /"type":"target"/);
      const undone = await runMsmqCert(['undo', journal, ...reaching(lab)]);
      assert.equal(undone.code, 0, undone.stderr);
      assert.deepEqual(await readPairs(lab, users), before);
    }));

  it('takes what ends first up to a limit, and only those whom a filter lets through', () =>
    withFolder(async (folder) => {
      const out = join(folder, 'certs');
      const limited = await mutation(command(out, '--limit', '3'));
      assert.deepEqual(worked(limited, 'added', 'replaced'), expired.slice(0, 3));
      const filter = `(sAMAccountName=${ending[4]})`;
      const filtered = await mutation(command(out, '--filter', filter, '--base-dn', lab.baseDn));
      assert.deepEqual(worked(filtered, 'added', 'replaced'), [ending[4]]);
      assert.equal(filtered.summary.untouched, 0);
      const rest = await mutation(command(out));
      assert.equal(worked(rest, 'added', 'replaced').length, troubled.length - 4);
    }));

  it('is taken up by the same command after it was killed, and nobody gets two', () =>
    withFolder(async (folder) => {
      const out = join(folder, 'certs');
      await startedAndWritten(out, 'SIGKILL');
      const journal = await journalIn(out);
      const before = outcomesIn(await readFile(journal, 'utf8'));
      assert.ok(before > 0 && before < troubled.length);
      const { code, stderr } = await mutation(command(out));
      assert.equal(code, 0, stderr);
      assert.match(stderr, /going on with the run/);
      assert.equal(await journalIn(out), journal);
      const pairs = await readPairs(lab, troubled);
      for (const user of [...missing, ...expired]) assert.equal(pairs[user]?.digests.length, 1, user);
      // sound, and of another maker: they stay beside the new one
      for (const user of ending) assert.equal(pairs[user]?.digests.length, 2, user);
    }));

  it('is stopped by a signal, says what is left, and resume goes on with its journal', () =>
    withFolder(async (folder) => {
      const out = join(folder, 'certs');
      const { code, stderr } = await startedAndWritten(out, 'SIGTERM');
      assert.equal(code, 143);
      assert.match(stderr, /the other users are left as they were|users are left as they were/);
      const resumed = await mutation(['resume', await journalIn(out), ...reaching(lab)]);
      assert.equal(resumed.code, 0, resumed.stderr);
      const last = await mutation(command(out, '--dry-run'));
      assert.deepEqual([last.changed, last.summary.users], [false, 0]);
    }));

  it('never works beside another one: the second says so, does nothing, and is content', () =>
    withFolder(async (folder) => {
      const out = join(folder, 'certs');
      const first = startMsmqCert(command(out, '--rate', '4', '--json'));
      await appearance(out, /\.alive$/);
      const second = await runMsmqCert(command(out));
      assert.deepEqual([second.code, second.stdout], [0, `another run is at work in ${out}: nothing was done\n`]);
      const alone = await runMsmqCert([
        'renew',
        'alice',
        '--broken',
        '--alone',
        '--json',
        '--out',
        out,
        ...reaching(lab),
      ]);
      assert.equal(alone.code, 0);
      assert.match(JSON.parse(alone.stdout).skipped, /another run is at work/);
      const { code } = await outcomeOf(first);
      assert.equal(code, 0);
      assert.equal((await journalsIn(out)).length, 1);
    }));

  it('knows the machines of other makers, and leaves what names none as it is and says so', () =>
    withFolder(async (folder) => {
      const out = join(folder, 'certs');
      const [known = '', unknown = ''] = users.slice(250, 252);
      await resetUsers(lab, [known, unknown]);
      await write(known, pairOf([certificate({ commonName: 'WS-7', endsIn: -1 })]));
      await write(unknown, pairOf([certificate({ commonName: 'WS-8', endsIn: -1 })]));
      const before = await readPairs(lab, [unknown]);
      const made = await mutation(command(out));
      assert.equal(made.code, 1);
      assert.deepEqual(worked(made, 'failed'), [unknown]);
      assert.deepEqual(worked(made, 'added', 'replaced'), [...troubled, known].sort());
      assert.deepEqual(await readPairs(lab, [unknown]), before);
      await resetUsers(lab, [known, unknown]);
    }));

  it('repairs and prunes everybody too', () =>
    withFolder(async (folder) => {
      const out = join(folder, 'certs');
      const options = ['--everyone', '--out', out, ...reaching(lab)];
      const repaired = await mutation(['repair', ...options]);
      assert.equal(repaired.code, 0, repaired.stderr);
      assert.deepEqual([...new Set(worked(repaired, 'added'))], missing);
      const pruned = await mutation(['prune', '--expired', '--yes', ...options]);
      assert.equal(pruned.code, 0, pruned.stderr);
      assert.deepEqual(worked(pruned, 'removed'), expired);
    }));

  /** Starts a slow run and ends it once it has written somebody. */
  async function startedAndWritten(out: string, signal: NodeJS.Signals) {
    const child = startMsmqCert(command(out, '--rate', '4', '--concurrency', '2'));
    const name = await appearance(out, /\.ndjson$/);
    await appearance(out, /\.ndjson$/, async () => {
      const text = await readFile(join(out, 'journal', name), 'utf8').catch(() => '');
      return outcomesIn(text) > 1;
    });
    child.kill(signal);
    return await outcomeOf(child);
  }
});

function outcomesIn(journal: string): number {
  return [...journal.matchAll(/"outcome":"swapped"/g)].length;
}

/** Resolves with the name of a file in the folder of journals, once something has happened to it and `isEnough`. */
async function appearance(
  out: string,
  name: RegExp,
  isEnough: () => Promise<boolean> = async () => true,
): Promise<string> {
  const folder = join(out, 'journal');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { promise, resolve } = Promise.withResolvers<string>();
  const watcher = watch(folder, async (_event, file) => {
    if (file !== null && name.test(file) && (await isEnough())) resolve(file);
  });
  return await promise.finally(() => watcher.close());
}
