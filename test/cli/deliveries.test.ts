import assert from 'node:assert/strict';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { entryRecord } from '../../src/directory/ldif/entry.ts';
import { withFolder } from '../certificate/support.ts';
import { runMsmqCert } from './msmq-cert.ts';

interface Result {
  user: string;
  action: string;
  digest: string;
  files: { pfx: string; passphrase: string } | null;
  delivery?: string | null;
  hook?: { outcome: string; status: string };
}

interface Told {
  code: number | null;
  stderr: string;
  summary: Record<string, number>;
  results: Result[];
  journal: string | null;
}

interface Place {
  out: string;
  /** What the hook wrote, a line each time. */
  delivered(): Promise<string[]>;
  register(hook: string | null, ...more: string[]): Promise<Told>;
  run(...words: string[]): Promise<Told>;
}

/** The share is there once a file of this name is. */
const onceThereIsAShare = (folder: string) =>
  `test -f ${folder}/share || { echo no such share; exit 7; }; echo "$MSMQ_CERT_DIGEST $MSMQ_CERT_PFX" >> ${folder}/delivered`;

async function inPlace(work: (place: Place, folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const file = join(folder, 'users.ldif');
    const user = { account: 'CORP\\alice', dn: 'CN=alice,DC=corp', sid: null, guid: null, protected: false };
    await writeFile(file, entryRecord(user, { blob: null, digests: [] }));
    const out = join(folder, 'out');
    const run = async (...words: string[]): Promise<Told> => {
      const { code, stdout, stderr } = await runMsmqCert([...words, '--directory', `ldif:${file}`, '--json']);
      assert.notEqual(stdout, '', stderr);
      return { code, stderr, ...JSON.parse(stdout) };
    };
    const place: Place = {
      out,
      run,
      delivered: async () => (await readFile(join(folder, 'delivered'), 'utf8').catch(() => '')).trimEnd().split('\n'),
      register: (hook, ...more) => {
        const hooked = hook === null ? [] : ['--deploy-hook', hook];
        return run('register', 'alice', '--machine', 'PC-1', '--out', out, ...hooked, ...more);
      },
    };
    await work(place, folder);
  });
}

const said = ({ code, summary, results: [first] }: Told) =>
  [code, first?.action, first?.delivery, summary['delivered'], summary['undelivered']].join(' ');

describe('A certificate that was not delivered', () => {
  it('is delivered by the same command again, once', () =>
    inPlace(async ({ register, delivered }, folder) => {
      const hook = onceThereIsAShare(folder);
      const failed = await register(hook);
      assert.equal(said(failed), '1 added failed 0 1');
      const again = await register(hook);
      assert.equal(said(again), '1 added failed 0 1', 'nothing has changed');

      await writeFile(join(folder, 'share'), '');
      const [result] = failed.results;
      const done = await register(hook);
      assert.equal(said(done), '0 added delivered 1 0');
      assert.deepEqual(await delivered(), [`${result?.digest} ${result?.files?.pfx}`]);

      const quiet = await register(hook);
      assert.deepEqual([quiet.code, quiet.results[0]?.action, quiet.journal], [0, 'unchanged', null]);
      assert.equal((await delivered()).length, 1);
    }));

  it('is delivered by resume', () =>
    inPlace(async ({ register, run, delivered }, folder) => {
      const hook = onceThereIsAShare(folder);
      const { journal } = await register(hook);
      const without = await run('resume', journal ?? '');
      assert.equal(said(without), '1 added failed 0 1');
      await writeFile(join(folder, 'share'), '');
      const done = await run('resume', journal ?? '', '--deploy-hook', hook);
      assert.equal(said(done), '0 added delivered 1 0');
      assert.equal((await delivered()).length, 1);
    }));

  it('is found when its run has ended long since and the directory needs nothing', () =>
    inPlace(async ({ register, out, delivered }, folder) => {
      const hook = onceThereIsAShare(folder);
      const { journal } = await register(hook);
      // as a run leaves it that nobody goes on with any more
      const end = { type: 'end', at: new Date().toISOString(), summary: {} };
      await writeFile(journal ?? '', `${JSON.stringify(end)}\n`, { flag: 'a' });
      await utimes(journal ?? '', 0, 0);

      const again = await register(hook);
      assert.equal(said(again), '1 unchanged failed 0 1');
      await writeFile(join(folder, 'share'), '');
      const done = await register(hook);
      assert.equal(said(done), '0 unchanged delivered 1 0');
      assert.ok(done.results[0]?.files?.pfx);
      assert.equal((await delivered()).length, 1);
      const quiet = await register(hook);
      assert.deepEqual([quiet.code, quiet.results[0]?.delivery, quiet.journal], [0, undefined, null]);
      const journals = (await readdir(join(out, 'journal'))).filter((name) => name.endsWith('.ndjson'));
      assert.ok(journals.length <= 2);
    }));

  it('is left alone once it is not registered any more', () =>
    inPlace(async ({ register, run, out, delivered }, folder) => {
      const hook = onceThereIsAShare(folder);
      const { journal } = await register(hook);
      const undone = await run('undo', journal ?? '');
      assert.equal(undone.code, 0, undone.stderr);
      await writeFile(join(folder, 'share'), '');
      const more = ['--out', out, '--deploy-hook', hook];
      const done = await run('register', 'alice', '--machine', 'PC-1', ...more);
      assert.equal(done.code, 0, done.stderr);
      const registered = done.results.filter(({ action }) => action === 'added').map(({ digest }) => digest);
      assert.deepEqual(
        (await delivered()).map((line) => line.split(' ')[0]),
        registered,
      );
    }));
});

describe('A deploy hook', () => {
  it('leaves what it printed in the journal, without the passphrase', () =>
    inPlace(async ({ register }) => {
      const told = await register(
        'cat "$MSMQ_CERT_PASSPHRASE_FILE"; rm "$MSMQ_CERT_PASSPHRASE_FILE"; echo failing; exit 1',
      );
      assert.equal(told.code, 1);
      const journal = await readFile(told.journal ?? '', 'utf8');
      const record = journal
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
        .find(({ type }) => type === 'hook');
      assert.deepEqual([record.outcome, record.status, record.output], ['failed', 'exit code 1', '***\nfailing\n']);
    }));

  it('is not asked for: nothing is said of deliveries', () =>
    inPlace(async ({ register }) => {
      const told = await register(null);
      assert.deepEqual([told.code, told.results[0]?.delivery, told.summary['delivered']], [0, null, undefined]);
    }));
});
