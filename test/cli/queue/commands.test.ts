import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { issueCertificate } from '../../../src/certificate/issue.ts';
import { issueRequest } from '../../certificate/support.ts';
import { type PostgresLab, startPostgres } from '../../support/postgres-lab.ts';
import { type Outcome, runMsmqCert } from '../msmq-cert.ts';
import { type Bench, DOMAIN, errorsIn, initialise, SERVICES, withBench } from './bench.ts';

const UUID = /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/;
const NO_RUN = '0f1e2d3c-4b5a-4697-8879-6a5b4c3d2e1f';

describe('The commands of the queue', () => {
  let lab: PostgresLab;
  before(async () => {
    lab = await startPostgres();
    await initialise(lab);
  });
  after(async () => {
    await lab?.stop();
  });

  /** With what differs from run to run taken out. */
  const told = ({ code, stdout, stderr }: Outcome, { database, folder }: Bench) => ({
    code,
    stdout: blank(stdout, { database, folder }),
    stderr: blank(stderr, { database, folder }),
  });

  it('make the tables once, and lose nothing when they make them again', () =>
    withBench(lab, 1, async (bench) => {
      await bench.submit(['user0', '--machine', 'PC-1']);
      const before = await bench.dump();
      const words = ['queue', 'init', '--domain', 'CORP.example', '--domain', 'sub.corp.example'];
      const again = await bench.run(words);
      assert.deepEqual([again.code, again.stderr], [0, '']);
      assert.match(
        again.stdout,
        /^the queue is ready for corp\.example, sub\.corp\.example\n\n-- the rights of its two roles.*:\n(GRANT .*;\n)+$/,
      );
      assert.equal(await bench.dump(), before);
      const json = JSON.parse((await bench.run([...words, '--json'])).stdout);
      assert.deepEqual([json.command, json.domains], ['queue init', [DOMAIN, 'sub.corp.example']]);
      const wrong = await bench.run(['queue', 'init', '--domain', 'corp example']);
      assert.deepEqual(
        [wrong.code, errorsIn(wrong)],
        [2, ['error[usage]: "corp example" is no domain name, such as corp.example']],
      );
    }));

  it('submit a manifest, with the certificates that it names, which other machines register', () =>
    withBench(lab, 3, async (bench) => {
      const { certificate } = await issueCertificate(issueRequest({ account: 'CORP\\user1', machine: 'PC-7' }));
      await mkdir(join(bench.folder, 'here'));
      await writeFile(join(bench.folder, 'here', 'user1.cer'), certificate);
      const rows = ['user,machine,certificate', 'user0,PC-1,', 'user0,PC-2,', 'user1,PC-7,user1.cer', 'nobody,PC-1,'];
      await writeFile(join(bench.folder, 'here', 'fleet.csv'), rows.join('\n'));
      const env = { MSMQ_CERT_DIRECTORY: 'ldif:../users.ldif' };
      const cwd = join(bench.folder, 'here');
      const submitted = await bench.run(['queue', 'submit', 'register', '--manifest', 'fleet.csv'], { cwd, env });
      assert.deepEqual(told(submitted, bench), {
        code: 1,
        stdout: '2 users in the queue\nrun: RUN\nmsmq-cert queue status RUN shows how far it is\n',
        stderr:
          'error[user-not-found]: no user "nobody" in the directory\n' +
          'hint: name the user as sAMAccountName, DOMAIN\\user, user@domain.example, distinguished name or SID\n',
      });
      const worked = await bench.work('w');
      assert.deepEqual(worked.code, 0, worked.stderr);
      const listed = JSON.parse((await bench.run(['list', 'user0', 'user1', '--json'])).stdout);
      const machines = listed.users.map((each: { user: string; certificates: { machine: string }[] }) => [
        each.user,
        each.certificates.map(({ machine }) => machine).sort(),
      ]);
      assert.deepEqual(machines, [
        ['CORP\\user0', ['PC-1', 'PC-2']],
        ['CORP\\user1', ['PC-7']],
      ]);
      assert.ok(listed.users[1].certificates[0].digest === createHash('md5').update(certificate).digest('hex'));
    }));

  it('submit those in a file, and everybody', () =>
    withBench(lab, 4, async (bench) => {
      await writeFile(join(bench.folder, 'names'), 'user0\nuser1\n');
      const first = await bench.run([
        'queue',
        'submit',
        'register',
        '--users-from',
        'names',
        '--machine',
        'P',
        '--json',
      ]);
      const { command, users, wentOn, results } = JSON.parse(first.stdout);
      assert.deepEqual(
        { command, users, wentOn, results },
        { command: 'queue submit register', users: 2, wentOn: false, results: [] },
      );
      assert.equal((await bench.work('w')).code, 0);
      const all = await bench.run(['queue', 'submit', 'replace', '--everyone']);
      assert.match(all.stdout, /^2 users in the queue\n/);
      const worked = await bench.work('w', ['--ndjson']);
      const lines = worked.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      assert.deepEqual(
        lines
          .toSorted((one, other) => String(one.user).localeCompare(String(other.user)))
          .map(({ user, outcome, items }) => [user, outcome, items?.map((item: { action: string }) => item.action)]),
        [
          ['CORP\\user0', 'changed', ['replaced']],
          ['CORP\\user1', 'changed', ['replaced']],
          [undefined, undefined, undefined],
        ],
      );
      const last = lines.at(-1);
      assert.deepEqual([last.command, last.users, last.failed, last.stoppedBy], ['queue work', 2, 0, null]);
    }));

  it('tell that nothing is to be done', () =>
    withBench(lab, 1, async (bench) => {
      const nobody = await bench.run(['queue', 'submit', 'repair', '--everyone']);
      assert.deepEqual(told(nobody, bench), {
        code: 0,
        stdout: 'nobody needs anything: nothing was submitted\n',
        stderr: '',
      });
      const unknown = await bench.run(['queue', 'submit', 'register', 'nobody', '--machine', 'PC-1']);
      assert.deepEqual([unknown.code, unknown.stdout], [1, 'nothing was submitted\n']);
      assert.equal((await bench.run(['queue', 'status'])).stdout, 'there is no run\n');
      assert.equal((await bench.run(['queue', 'dead', 'list'])).stdout, 'no job failed for good\n');
      assert.equal((await bench.run(['queue', 'dead', 'retry', '--all'])).stdout, '0 jobs put back into the queue\n');
      assert.match((await bench.work('w')).stdout, /^0 users worked on\n$/);
    }));

  it('show how far a run is, put dead jobs back, and undo the whole run', () =>
    withBench(lab, 2, async (bench) => {
      const before = await bench.users();
      const run = await bench.submit(['user0', 'user1', '--machine', 'PC-1']);
      const waiting = await bench.run(['queue', 'status', run, '--json']);
      const { state, users, waiting: left, workers } = JSON.parse(waiting.stdout);
      assert.deepEqual({ state, users, left, workers }, { state: 'at work', users: 2, left: 2, workers: [] });
      const refused = await bench.work('w', ['--only-below', SERVICES]);
      assert.equal(refused.code, 1);
      const shown = await bench.run(['queue', 'status', run]);
      assert.match(shown.stdout, new RegExp(`^run ${run}: register in corp.example, done, with dead jobs\n`));
      assert.match(shown.stdout, /\ndead by job-refused: 1\nmsmq-cert queue dead list --run .* shows why\n/);
      const [id = ''] = (await bench.run(['queue', 'dead', 'list', '--run', run])).stdout.split(' ');
      assert.match(id, UUID);
      const retried = await bench.run(['queue', 'dead', 'retry', id]);
      assert.deepEqual(told(retried, bench), { code: 0, stdout: '1 job put back into the queue\n', stderr: '' });
      assert.equal((await bench.run(['queue', 'dead', 'retry', id])).stdout, '0 jobs put back into the queue\n');
      const atWork = await bench.run(['undo', '--run', run]);
      assert.deepEqual(
        [atWork.code, errorsIn(atWork)],
        [4, [`error[run-at-work]: the run ${run} has 1 user to work on still`]],
      );
      assert.equal((await bench.work('w')).code, 0);
      assert.match((await bench.run(['queue', 'status'])).stdout, / register +done +2 of 2 users /);
      const undone = await bench.run(['undo', '--run', run]);
      assert.match(
        undone.stdout,
        new RegExp(`^2 users in the queue, whom workers put back to where the run ${run} found them\n`),
      );
      assert.deepEqual([undone.code, undone.stderr], [0, '']);
      const worked = await bench.work('w');
      assert.equal(worked.code, 0, worked.stderr);
      assert.deepEqual(valuesIn(await bench.users()), valuesIn(before));
    }));

  it('cancel what waits', () =>
    withBench(lab, 3, async (bench) => {
      const run = await bench.submit(['user0', 'user1', '--machine', 'PC-1']);
      const cancelled = await bench.run(['queue', 'cancel', run]);
      assert.deepEqual(told(cancelled, bench), {
        code: 0,
        stdout: '2 users taken out of the queue; who is under way is finished\n',
        stderr: '',
      });
      assert.match((await bench.work('w')).stdout, /^0 users worked on\n$/);
      const { state, cancelled: users } = JSON.parse((await bench.run(['queue', 'status', run, '--json'])).stdout);
      assert.deepEqual({ state, users }, { state: 'cancelled', users: 2 });
      const again = await bench.submit(['user0', 'user1', '--machine', 'PC-1']);
      assert.notEqual(again, run);
    }));

  it('tell of a run that is not there', () =>
    withBench(lab, 1, async (bench) => {
      for (const id of [NO_RUN, 'last']) {
        for (const words of [
          ['queue', 'status', id],
          ['queue', 'cancel', id],
          ['queue', 'dead', 'list', '--run', id],
          ['undo', '--run', id],
        ]) {
          const outcome = await bench.run(words);
          assert.deepEqual([outcome.code, outcome.stdout], [2, ''], words.join(' '));
          assert.match(outcome.stderr, new RegExp(`^error\\[run-not-found\\]: there is no run ${id} in the database `));
        }
      }
    }));
});

describe('The commands of the queue, without one', () => {
  const every = [
    ['queue', 'init', '--domain', DOMAIN],
    ['queue', 'status'],
    ['queue', 'dead', 'list'],
    ['queue', 'dead', 'retry', '--all'],
    ['queue', 'cancel', NO_RUN],
    ['queue', 'work', '--base-dn', 'DC=corp,DC=example', '--directory', 'ldif:users.ldif'],
    ['queue', 'submit', 'register', 'alice', '--machine', 'PC-1', '--directory', 'ldif:users.ldif'],
    ['undo', '--run', NO_RUN],
  ];
  for (const words of every) {
    it(`ask for a database: ${words.slice(0, 3).join(' ')}`, async () => {
      const { code, stdout, stderr } = await runMsmqCert(words);
      assert.deepEqual(
        [code, stdout, stderr],
        [
          2,
          '',
          'error[usage]: no database is named, which holds the queue\n' +
            'hint: give --database postgres://user@host/name, or set MSMQ_CERT_DATABASE\n',
        ],
      );
    });
  }

  const wrong: [form: string, message: RegExp][] = [
    ['postgres://u:S3cret@h/db', /holds a password, which others can see in the list of processes/],
    ['host=h password=S3cret dbname=x', /holds a password/],
    ['postgres://h/db?password=S3cret', /holds a password/],
    ['postgres://u:S3/cret@h/db', /has an @ behind the host/],
    ['mysql://h/db', /begins with another scheme than postgres:\/\//],
    ['corp', /is neither an address nor keyword=value words/],
    ['', /is neither an address nor keyword=value words/],
    ['postgres://u@h', /the connection string names no database/],
    ['host=a,b dbname=x', /is given with several hosts, a,b, of which only one can be used/],
    ['postgres://u@db.example/x?sslmode=require', /sslmode=require would not prove that db.example is the server/],
    ['postgres://u@h/x?pooling=S3cret', /has a word that is not known/],
  ];
  for (const [form, message] of wrong) {
    it(`refuse the connection string ${form}`, async () => {
      const { code, stdout, stderr } = await runMsmqCert(['queue', 'status', '--database', form, '--json']);
      assert.equal(code, 2, stderr);
      const { error } = JSON.parse(stdout);
      assert.equal(error.code, 'usage');
      assert.match(error.message, message);
      assert.doesNotMatch(stdout + stderr, /S3/);
    });
  }

  it('name the database that cannot be reached', async () => {
    const { code, stderr } = await runMsmqCert(['queue', 'status', '--database', 'host=/nonexistent dbname=x user=u']);
    assert.equal(code, 3);
    assert.equal(
      stderr,
      'error[database-unreachable]: the database x on /nonexistent:5432 cannot be reached: ENOENT\n' +
        'hint: check that PostgreSQL runs and listens there, and try again\n',
    );
  });

  it('refuse a limit, which workers do not count together, and what needs no queue', async () => {
    const env = { MSMQ_CERT_DATABASE: 'host=/nonexistent dbname=x user=u', MSMQ_CERT_DIRECTORY: 'ldif:users.ldif' };
    const cases: [words: string[], told: string][] = [
      [
        ['queue', 'submit', 'renew', '--everyone', '--all', '--limit', '3'],
        'error[usage]: --limit 3 is given, which workers do not count together\nhint: leave it away, and choose fewer users with --filter\n',
      ],
      [['queue', 'submit', 'clear', 'alice'], "error: unknown command 'clear'\n(--help shows what is possible)\n"],
      [
        ['queue', 'dead', 'retry', 'x'],
        'error[usage]: "x" is no id of a job\nhint: give it as queue dead list shows it\n',
      ],
      [
        ['queue', 'dead', 'retry'],
        'error[usage]: dead retry needs to know which jobs\nhint: give ids as queue dead list shows them, --run, or --all\n',
      ],
    ];
    for (const [words, stderr] of cases)
      assert.deepEqual(await runMsmqCert(words, { env }), { code: 2, stdout: '', stderr });
  });

  for (const words of ['init', 'submit', 'work', 'status', 'dead', 'dead list', 'dead retry', 'cancel']) {
    it(`help: queue ${words}`, async () => {
      const { code, stdout, stderr } = await runMsmqCert(['queue', ...words.split(' '), '--help']);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, new RegExp(`^Usage: msmq-cert queue ${words} `));
      if (!['submit', 'dead'].includes(words)) assert.match(stdout, new RegExp(`\n {2}\\$ msmq-cert queue ${words} `));
    });
  }

  for (const verb of ['register', 'renew', 'replace', 'repair', 'prune']) {
    it(`help: queue submit ${verb}, whose examples put it into the queue`, async () => {
      const { stdout } = await runMsmqCert(['queue', 'submit', verb, '--help']);
      const examples = stdout.split('\n').filter((line) => line.startsWith('  $ '));
      assert.ok(examples.length > 0);
      for (const line of examples) assert.ok(line.startsWith(`  $ msmq-cert queue submit ${verb} `), line);
    });
  }
});

function blank(text: string, { database, folder }: Pick<Bench, 'database' | 'folder'>): string {
  return text.replaceAll(database, 'DATABASE').replaceAll(folder, 'FOLDER').replaceAll(new RegExp(UUID, 'g'), 'RUN');
}

/** What the file says, however it wraps its lines. */
function valuesIn(ldif: string): string[] {
  return ldif
    .replaceAll('\n ', '')
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}
