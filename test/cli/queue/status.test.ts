import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promtool } from '../../promtool.ts';
import { type PostgresLab, startPostgres } from '../../support/postgres-lab.ts';
import { runInTerminal } from '../in-terminal.ts';
import { outcomeOf, runMsmqCert, startMsmqCert } from '../msmq-cert.ts';

describe('queue status', () => {
  let lab: PostgresLab;
  let cwd: string;
  before(async () => {
    lab = await startPostgres();
    cwd = mkdtempSync(join(tmpdir(), 'msmq-cert-queue-status-'));
    await succeed('queue init --domain corp.example');
  });
  after(async () => {
    await lab?.stop();
    rmSync(cwd, { recursive: true, force: true });
  });

  const env = () => ({ MSMQ_CERT_DATABASE: lab.connectionStrings.socket });
  const invoke = (words: string) => runMsmqCert(words.split(' '), { cwd, env: env() });
  async function succeed(words: string): Promise<string> {
    const { code, stdout, stderr } = await invoke(words);
    assert.equal(code, 0, `${words}: ${stderr}`);
    return stdout;
  }

  /** A run for users of its own, of whom some are gone by the time that a worker looks for them. */
  async function submitted(name: string, { there, gone = 0 }: { there: number; gone?: number }): Promise<string> {
    const users = Array.from({ length: there + gone }, (_, index) => `${name}${index}`);
    writeFileSync(join(cwd, 'users.ldif'), [PARTITION, ...users.map(userRecord)].join('\n'));
    writeFileSync(join(cwd, 'names'), users.join('\n'));
    const said = await succeed(
      'queue submit register --users-from names --machine PC-1 --directory ldif:users.ldif --json',
    );
    writeFileSync(join(cwd, 'users.ldif'), [PARTITION, ...users.slice(0, there).map(userRecord)].join('\n'));
    return JSON.parse(said).run;
  }
  const WORK = 'queue work --until-empty --directory ldif:users.ldif --base-dn DC=corp,DC=example --out';
  const watch = (words: string) => startMsmqCert(`queue status ${words} --watch`.split(' '), { cwd, env: env() });

  it('watches a run until it is over, and tells how it stands then', async () => {
    const id = await submitted('watched', { there: 3 });
    const watching = watch(`${id} --every 50ms`);
    const outcome = outcomeOf(watching);
    await until(watching.stderr, `run ${id}: 0/3 users, 0.0 a second, 0 workers alive, 0 retries, 0 dead\n`);
    await succeed(`${WORK} watched`);
    const { code, stdout } = await outcome;
    assert.equal(code, 0);
    assert.match(stdout, /: register in corp\.example, done\n[\s\S]*\n3 of 3 users done, 0 at work, 0 waiting/);
  });

  it('prints a line a look with --ndjson, and one document in the end with --json', async () => {
    const id = await submitted('lines', { there: 2 });
    const lines = watch(`${id} --every 50ms --ndjson`);
    const document = watch(`${id} --every 50ms --json`);
    const outcomes = Promise.all([outcomeOf(lines), outcomeOf(document)]);
    await Promise.all([until(lines.stdout, '\n'), until(document.stderr, 'run ')]);
    await succeed(`${WORK} lines`);
    const [many, one] = await outcomes;
    const looks = many.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual([looks[0].state, looks[0].waiting, looks[0].done], ['at work', 2, 0]);
    assert.deepEqual([looks.at(-1).state, looks.at(-1).waiting, looks.at(-1).done], ['done', 0, 2]);
    assert.equal(looks.filter(({ state }) => state === 'done').length, 1);
    const { state, done, dead } = JSON.parse(one.stdout);
    assert.deepEqual({ state, done, dead }, { state: 'done', done: 2, dead: 0 });
  });

  it('ends with exit code 1 when users failed for good', async () => {
    const id = await submitted('dead', { there: 1, gone: 2 });
    assert.equal((await invoke(`${WORK} dead`)).code, 1);
    const { code, stdout } = await invoke(`queue status ${id} --watch`);
    assert.equal(code, 1);
    assert.match(stdout, /, done, with dead jobs\n[\s\S]*\ndead by user-not-found: 2\n/);
    assert.equal((await invoke(`queue status ${id}`)).code, 0);
  });

  for (const [signal, expected] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    it(`is left by ${signal}, and the run goes on`, async () => {
      const id = await submitted(signal.toLowerCase(), { there: 1 });
      const watching = watch(`${id} --metrics-file left.prom`);
      const outcome = outcomeOf(watching);
      await until(watching.stderr, `run ${id}: 0/1 users`);
      watching.kill(signal);
      const { code, stdout, stderr } = await outcome;
      assert.equal(code, expected);
      assert.match(stderr, /\nnot watched any more; the run goes on\n$/);
      assert.match(stdout, /0 of 1 user done/);
      await succeed(`queue cancel ${id}`);
      assert.match((await invoke(`queue status ${id} --watch`)).stdout, /, cancelled\n/);
    });
  }

  it('goes on watching when PostgreSQL was restarted, and tells of it once', async () => {
    const id = await submitted('restart', { there: 1 });
    const watching = watch(`${id} --every 50ms --ndjson`);
    const outcome = outcomeOf(watching);
    await until(watching.stdout, '\n');
    await lab.halt();
    await until(watching.stderr, 'error[database-unreachable]');
    await lab.start();
    await until(watching.stderr, 'the database can be reached again\n');
    await succeed(`${WORK} restart`);
    const { code, stdout, stderr } = await outcome;
    assert.equal(code, 0);
    assert.equal(JSON.parse(stdout.trim().split('\n').at(-1) ?? '').done, 1);
    assert.equal(stderr.match(/error\[/g)?.length, 1, stderr);
  });

  it('says at once that the database is not there when it begins', async () => {
    await lab.halt();
    try {
      const { code, stderr } = await invoke('queue status 0f1e2d3c-4b5a-4697-8879-6a5b4c3d2e1f --watch');
      assert.equal(code, 3);
      assert.match(stderr, /^error\[database-unreachable\]/);
    } finally {
      await lab.start();
    }
  });

  it('is a bar on a terminal, which is gone in the end', async () => {
    const id = await submitted('bar', { there: 2 });
    const watching = runInTerminal(['queue', 'status', id, '--watch', '--every', '50ms'], { cwd, env: env() });
    await succeed(`${WORK} bar`);
    const { code, said } = await watching;
    assert.equal(code, 0);
    assert.match(said, /[=-]{40} \d\/2 users, [\d.]+ a second, /);
    assert.ok(said.lastIndexOf('\u001b[?25h') > said.lastIndexOf('\u001b[?25l'), 'the cursor is shown again');
    assert.match(said, /2 of 2 users done/);
  });

  it('writes a metrics file in a form that Prometheus takes', async () => {
    const id = await submitted('metrics', { there: 2, gone: 1 });
    await succeed(`queue status ${id} --metrics-file queue.prom`);
    const samples = () => samplesIn(readFileSync(join(cwd, 'queue.prom'), 'utf8'), id);
    const before = samples();
    assert.equal(before.get('users state="waiting"'), 3);
    assert.ok((before.get('oldest_waiting_seconds') ?? 0) > 0);
    assert.equal(before.get('users_per_second'), 0);
    assert.equal(before.get('left_seconds'), Number.POSITIVE_INFINITY);
    await invoke(`${WORK} metrics`);
    assert.equal((await invoke(`queue status ${id} --watch --metrics-file queue.prom`)).code, 1);
    const after = samples();
    assert.equal(after.get('users state="waiting"'), 0);
    assert.equal(after.get('users state="done"'), 2);
    assert.equal(after.get('users state="dead"'), 1);
    assert.equal(after.get('dead code="user-not-found"'), 1);
    assert.equal(after.get('oldest_waiting_seconds'), 0);
    assert.equal(after.get('left_seconds'), 0);
    assert.equal(after.get('submitted'), 1);
    assert.ok((after.get('users_per_second') ?? 0) > 0);
    const text = readFileSync(join(cwd, 'queue.prom'), 'utf8');
    assert.match(text, /msmq_cert_queue_workers\{domain="corp\.example",command="queue status",run="queue"\} 0\n/);
    assert.equal(statSync(join(cwd, 'queue.prom')).mode & 0o777, 0o644);
    assert.deepEqual(promtool(['check', 'metrics'], text), { isContent: true, said: '' });
  });

  it('writes the newest runs into a metrics file, and fails when it cannot', async () => {
    const id = await submitted('newest', { there: 1 });
    await succeed('queue status --metrics-file newest.prom');
    assert.equal(samplesIn(readFileSync(join(cwd, 'newest.prom'), 'utf8'), id).get('users state="waiting"'), 1);
    const failed = await invoke('queue status --metrics-file nowhere/queue.prom');
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /^error\[file-unwritable\]/);
    assert.match((await invoke('queue status --metrics-file queue.txt')).stderr, /does not end in \.prom/);
    await succeed(`queue cancel ${id}`);
  });

  it('refuses to watch what is no run', async () => {
    for (const [words, message] of [
      ['--watch', /--watch is given without a run/],
      ['--watch 0f1e2d3c-4b5a-4697-8879-6a5b4c3d2e1f', /there is no run 0f1e2d3c/],
      ['0f1e2d3c-4b5a-4697-8879-6a5b4c3d2e1f --ndjson', /--ndjson is given without --watch/],
    ] as const) {
      const { code, stderr } = await invoke(`queue status ${words}`);
      assert.equal(code, 2);
      assert.match(stderr, message);
    }
  });
});

const PARTITION =
  'dn: CN=CORP,CN=Partitions,CN=Configuration,DC=corp,DC=example\nobjectClass: crossRef\nnCName: DC=corp,DC=example\nnETBIOSName: CORP\n';

function userRecord(name: string): string {
  const guid = Buffer.alloc(16);
  guid.write(name);
  return [
    `dn: CN=${name},OU=Staff,DC=corp,DC=example`,
    'objectClass: user',
    `sAMAccountName: ${name}`,
    `objectGUID:: ${guid.toString('base64')}`,
    '',
  ].join('\n');
}

/** Those of one run, without the labels that all have. */
function samplesIn(text: string, id: string): Map<string, number> {
  const own = [...text.matchAll(/^msmq_cert_queue_(\w+)\{(.*)\} (\S+)$/gm)].filter(([, , labels = '']) =>
    labels.includes(`id="${id}"`),
  );
  return new Map(
    own.map(([, name, labels = '', value = '']) => {
      const [told] = /(?:state|code)="[^"]*"/.exec(labels) ?? [];
      return [told === undefined ? `${name}` : `${name} ${told}`, value === '+Inf' ? Infinity : Number(value)];
    }),
  );
}

/** Resolves when the text has come; others may read the same stream. */
async function until(stream: Readable, text: string): Promise<void> {
  let said = '';
  if (stream.readableEnded) throw new Error(`it ended before it said ${text}`);
  await new Promise<void>((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes(text)) resolve();
    });
    stream.once('end', () => reject(new Error(`it said: ${said}`)));
  });
}
