import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFolder } from '../certificate/support.ts';
import { runMsmqCert } from './msmq-cert.ts';

const names = Array.from({ length: 6 }, (_, number) => `user${number}`);
const register = ['register', ...names, '--machine', 'PC-1'];

interface Result {
  user: string;
}

describe('A command for a shard', () => {
  const inFolder = (work: (folder: string) => Promise<void>) => () =>
    withFolder(async (folder) => {
      const records = names.map(
        (name) => `dn: CN=${name},OU=MQ,DC=corp,DC=example\nobjectClass: user\nsAMAccountName: ${name}\n`,
      );
      await writeFile(join(folder, 'users.ldif'), records.join('\n'));
      await work(folder);
    });

  async function run(cwd: string, words: string[]) {
    const env = { MSMQ_CERT_DIRECTORY: 'ldif:users.ldif' };
    const outcome = await runMsmqCert([...words, '--json'], { cwd, env });
    return { ...outcome, json: outcome.stdout === '' ? {} : JSON.parse(outcome.stdout) };
  }

  const usersIn = ({ json }: { json: { results: Result[] } }) => json.results.map(({ user }) => user);

  async function journals(folder: string): Promise<string[]> {
    const found = await readdir(join(folder, 'msmq-certs', 'journal')).catch(() => []);
    return found.filter((name) => name.endsWith('.ndjson')).map((name) => join('msmq-certs', 'journal', name));
  }

  it(
    'writes its users only; with the other shards all of them, each shard with a journal of its own',
    inFolder(async (folder) => {
      const first = usersIn(await run(folder, [...register, '--shard', '1/2']));
      const second = usersIn(await run(folder, [...register, '--shard', '2/2']));
      assert.ok(first.length > 0 && second.length > 0);
      assert.deepEqual(
        [...first, ...second].sort(),
        names.map((name) => `CORP\\${name}`),
      );
      const runs = await Promise.all((await journals(folder)).map((journal) => headOf(folder, journal)));
      assert.deepEqual(
        runs.map(({ shard }) => shard),
        [
          { index: 1, count: 2 },
          { index: 2, count: 2 },
        ],
      );
      assert.equal(new Set(runs.map(({ fingerprint }) => fingerprint)).size, 2);
    }),
  );

  it(
    'is gone on with for the same users by resume, which wants no other',
    inFolder(async (folder) => {
      const first = usersIn(await run(folder, [...register, '--shard', '1/2']));
      const [journal = ''] = await journals(folder);
      const lines = (await readFile(join(folder, journal), 'utf8')).trimEnd().split('\n').slice(0, -1);
      await writeFile(join(folder, journal), `${lines.join('\n')}\n`);
      const refused = await run(folder, ['resume', journal, '--shard', '2/2']);
      assert.deepEqual([refused.code, refused.json.error.code], [2, 'usage']);
      assert.deepEqual(usersIn(await run(folder, ['resume', journal])).sort(), first.sort());
    }),
  );

  it(
    'plans, lists, audits and saves the same users, and each tells of who is not there',
    inFolder(async (folder) => {
      const unknown: string[] = [];
      for (const shard of ['1/2', '2/2']) {
        const dryRun = await run(folder, [...register, 'nobody', '--dry-run', '--shard', shard]);
        const users = usersIn(dryRun)
          .filter((user) => user !== 'nobody')
          .sort();
        unknown.push(...usersIn(dryRun).filter((user) => user === 'nobody'));
        const plan = `plan-${shard.replace('/', '-of-')}.json`;
        await run(folder, ['plan', ...register, '--shard', shard, '--out', plan]);
        const planned = JSON.parse(await readFile(join(folder, plan), 'utf8')).users;
        assert.deepEqual(planned.map(({ user }: { user: { account: string } }) => user.account).sort(), users);
        const saved = await run(folder, ['backup', ...names, '--out', `${plan}.ldif`, '--shard', shard]);
        assert.equal(saved.json.users, users.length);
        const listed = await run(folder, ['list', ...names, 'nobody', '--shard', shard]);
        assert.deepEqual(listed.json.users.map(({ user }: Result) => user).sort(), users);
        assert.deepEqual(
          listed.json.errors.map(({ user }: Result) => user),
          ['nobody'],
        );
        const audited = await run(folder, ['audit', '--all', '--shard', shard]);
        assert.deepEqual(audited.json.users.map(({ user }: Result) => user).sort(), users);
      }
      assert.deepEqual(unknown, ['nobody', 'nobody']);
    }),
  );

  it(
    'goes through everybody of its part in a whole domain',
    inFolder(async (folder) => {
      await run(folder, register);
      const parts: string[][] = [];
      for (const shard of ['1/2', '2/2']) {
        const words = ['replace', '--everyone', '--machine', 'PC-1', '--dry-run', '--shard', shard];
        parts.push(usersIn(await run(folder, words)));
      }
      assert.ok(parts.every((part) => part.length > 0));
      assert.deepEqual(
        parts.flat().sort(),
        names.map((name) => `CORP\\${name}`),
      );
    }),
  );

  it(
    'is refused when there is no such shard',
    inFolder(async (folder) => {
      const { code, stderr, stdout } = await run(folder, [...register, '--shard', '3/2']);
      assert.equal(code, 2);
      assert.match(`${stdout}${stderr}`, /such as 2\/8/);
    }),
  );

  it(
    'is not taken by a command for one user',
    inFolder(async (folder) => {
      const { code, stderr, stdout } = await run(folder, ['install', 'key.pfx', '--shard', '1/2']);
      assert.equal(code, 2);
      assert.match(`${stdout}${stderr}`, /unknown option '--shard'/);
    }),
  );

  async function headOf(folder: string, journal: string) {
    const [head = ''] = (await readFile(join(folder, journal), 'utf8')).split('\n');
    return JSON.parse(head);
  }
});
