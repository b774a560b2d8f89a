import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { issueCertificate } from '../../../src/certificate/issue.ts';
import { issueRequest } from '../../certificate/support.ts';
import { type PostgresLab, startPostgres } from '../../support/postgres-lab.ts';
import { runMsmqCert } from '../msmq-cert.ts';
import { type Bench, DOMAIN, dnOf, errorsIn, initialise, SERVICES, withBench } from './bench.ts';

interface DeadJob {
  id: string;
  account: string;
  error: { code: string; message: string };
}

describe('A job that no queue submit wrote', () => {
  let lab: PostgresLab;
  before(async () => {
    lab = await startPostgres();
    await initialise(lab);
  });
  after(async () => {
    await lab?.stop();
  });

  const user = (number: number, changes: object = {}) => ({
    account: `CORP\\user${number}`,
    dn: dnOf(number),
    sid: null,
    guid: null,
    ...changes,
  });
  const newKey = (machine: string) => ({ machine, validForMs: null, source: { kind: 'new-key' } });

  /** A run without jobs, which others then write for it. */
  async function emptiedRun(bench: Bench, domain = DOMAIN): Promise<string> {
    const run = await bench.submit(['user0', '--machine', 'PC-1']);
    await bench.sql(`DELETE FROM msmq_cert_jobs.job; UPDATE msmq_cert.runs SET domain = '${domain}'`);
    return run;
  }

  async function dead(bench: Bench): Promise<DeadJob[]> {
    const outcome = await bench.run(['queue', 'dead', 'list', '--json']);
    assert.equal(outcome.code, 0, outcome.stderr);
    return JSON.parse(outcome.stdout).jobs;
  }

  it('is a dead letter with a clear code, and nothing is written', () =>
    withBench(lab, 4, async (bench) => {
      const run = await emptiedRun(bench);
      const job = (changes: object) => ({ schema: 1, run, user: user(0), wanted: [newKey('PC-1')], ...changes });
      const { certificate } = await issueCertificate(issueRequest({ account: 'CORP\\user0' }));
      const external = (content: Uint8Array | undefined, digestOf: Uint8Array) => [
        {
          machine: 'PC-1',
          validForMs: null,
          source: {
            kind: 'external',
            file: '/etc/hostname',
            bytes: digestOf.length,
            digest: createHash('md5').update(digestOf).digest('hex'),
            ...(content && { content: Buffer.from(content).toString('base64') }),
          },
        },
      ];
      const garbage = Buffer.from('no certificate');
      const cases: [what: string, data: unknown, code: string][] = [
        ['text', 'garbage', 'job-refused'],
        ['nothing', null, 'job-refused'],
        ['a list', [1, 2], 'job-refused'],
        ['no schema', { run, user: user(0), wanted: [] }, 'job-refused'],
        ['a run that is none', job({ run: randomUUID() }), 'run-not-found'],
        ['SQL for a run', job({ run: "x'; drop table msmq_cert.runs; --" }), 'job-refused'],
        ['another object', job({ user: user(0, { guid: randomUUID() }) }), 'user-not-found'],
        ['a user that is none', job({ user: user(0, { dn: 'CN=x)(cn=*,DC=corp,DC=example' }) }), 'user-not-found'],
        ['all users', job({ user: user(0, { sid: '*' }) }), 'user-not-found'],
        ['another name for a user outside', job({ user: user(0, { dn: dnOf(1) }) }), 'job-refused'],
        ['by account, a user outside', job({ user: user(0, { sid: 'user1' }) }), 'job-refused'],
        ['a path for a machine', job({ wanted: [newKey('../../../../tmp/x')] }), 'invalid-machine'],
        ['a certificate that is not there', job({ wanted: external(undefined, garbage) }), 'job-refused'],
        ['no certificate', job({ wanted: external(garbage, garbage) }), 'invalid-certificate'],
        ['another certificate', job({ wanted: external(certificate, garbage) }), 'invalid-certificate'],
      ];
      const ids = new Map<string, [what: string, code: string]>();
      for (const [what, data, code] of cases) ids.set(await bench.insertJob(data), [what, code]);
      const before = await bench.users();
      const worked = await bench.work('w', ['--only-below', SERVICES, '--json']);
      assert.equal(worked.code, 1, worked.stderr);
      const { users, failed, journals } = JSON.parse(worked.stdout);
      assert.deepEqual({ users, failed }, { users: cases.length, failed: cases.length });
      const rows = await bench.sql(
        `SELECT source_id || '|' || (source_output -> 'error' ->> 'code') FROM msmq_cert_jobs.job WHERE name = '${DOMAIN}/dead'`,
      );
      const told = rows.split('\n').map((row): [string, string] => {
        const [id = '', code = ''] = row.split('|');
        return [ids.get(id)?.[0] ?? id, code];
      });
      const expected = [...ids.values()];
      assert.deepEqual(told.sort(), expected.sort());
      assert.equal((await dead(bench)).length, cases.length);
      assert.equal(await bench.users(), before);
      assert.equal(await bench.sql('SELECT count(*) FROM msmq_cert.swaps'), '0');
      assert.deepEqual(await keyFiles(bench, 'w'), []);
      assert.ok(journals.length <= 1);
    }));

  it('of a run of another domain is refused', () =>
    withBench(lab, 1, async (bench) => {
      const run = await emptiedRun(bench, 'other.example');
      await bench.insertJob({ schema: 1, run, user: user(0), wanted: [newKey('PC-1')] });
      const worked = await bench.work('w');
      assert.deepEqual(
        [worked.code, errorsIn(worked)],
        [
          1,
          [
            `error[job-refused]: CORP\\user0: the run ${run} is for other.example, and its job lies in the queue of corp.example`,
          ],
        ],
      );
    }));

  it('shows no escape sequence on the terminal', () =>
    withBench(lab, 1, async (bench) => {
      const run = await emptiedRun(bench);
      const account = 'x\u001b[31m\r\ny';
      await bench.insertJob({ schema: 1, run, user: user(0, { account, dn: 'CN=\u001b[2J,DC=corp' }), wanted: [] });
      const worked = await bench.work('w');
      const list = await bench.run(['queue', 'dead', 'list']);
      for (const text of [worked.stdout, worked.stderr, list.stdout]) assert.doesNotMatch(text, /(?!\n)\p{Cc}/u);
      assert.match(list.stdout, /user-not-found/);
    }));

  it('for what the worker may not do is refused', () =>
    withBench(lab, 2, async (bench) => {
      const run = await bench.submit(['user0', 'user1', '--machine', 'PC-1']);
      const before = await bench.users();
      const worked = await bench.work('w', ['--only-verbs', 'renew,undo']);
      assert.equal(worked.code, 1);
      const refusal = (account: string) =>
        `error[job-refused]: ${account}: the run ${run} is to register, and this worker may only renew, undo`;
      assert.deepEqual(errorsIn(worked).sort(), ['CORP\\user0', 'CORP\\user1'].map(refusal));
      assert.equal(await bench.users(), before);
      const kept = await bench.run(['queue', 'status', run, '--json']);
      const { dead: deadUsers, errors, state } = JSON.parse(kept.stdout);
      assert.deepEqual(
        { deadUsers, errors, state },
        { deadUsers: 2, errors: [{ code: 'job-refused', users: 2 }], state: 'done, with dead jobs' },
      );
    }));

  it('of a newer form waits for a newer worker, which is told once, and keeps nobody from his work', () =>
    withBench(lab, 2, async (bench) => {
      const newer = await bench.insertJob({ schema: 2, anything: 'else' });
      await bench.insertJob({ schema: 2, anything: 'else' });
      await bench.submit(['user0', '--machine', 'PC-1']);
      const worked = await bench.work('w', ['--json']);
      assert.equal(worked.code, 1, worked.stderr);
      const { users, failed, leftToNewer } = JSON.parse(worked.stdout);
      assert.deepEqual({ users, failed, leftToNewer }, { users: 1, failed: 0, leftToNewer: 2 });
      assert.deepEqual(errorsIn(worked), ['error[job-too-new]: the job is of form 2, and this worker knows 1']);
      const columns = 'state, retry_limit - retry_count, start_after > now()';
      const kept = await bench.sql(`SELECT ${columns} FROM msmq_cert_jobs.job WHERE id = '${newer}'`);
      assert.match(kept, /^retry\|100\|t$/);
      assert.deepEqual(await dead(bench), []);
    }));

  async function keyFiles({ folder }: Bench, out: string): Promise<string[]> {
    const names = await readdir(join(folder, out), { recursive: true });
    return names.filter((name) => /\.(pfx|cer|pass)$/.test(name));
  }
});

describe('A worker that is told wrong limits', () => {
  const cases: [words: string[], told: RegExp][] = [
    [['--only-below', 'Services'], /'--only-below <dn>' argument 'Services' is invalid. give a distinguished name/],
    [['--only-below', ''], /'--only-below <dn>' argument '' is invalid. give a distinguished name/],
    [['--only-verbs', 'register,clear'], /'--only-verbs <names>' argument 'register,clear' is invalid. give some of/],
  ];
  for (const [words, told] of cases) {
    it(`says so before its first job: ${words.join(' ')}`, async () => {
      const { code, stdout, stderr } = await runMsmqCert(['queue', 'work', ...words]);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, told);
    });
  }
});
