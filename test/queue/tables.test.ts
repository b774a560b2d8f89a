import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { queueNames } from '../../src/queue/init.ts';
import { grants, JOBS_VERSION } from '../../src/queue/tables.ts';

describe('the tables of the queue', () => {
  it('have the version of the pg-boss that is installed', () => {
    const { pgboss } = createRequire(import.meta.url)('pg-boss/package.json');
    assert.equal(JOBS_VERSION, pgboss.schema);
  });

  it('are granted to roles of any name, which stays a name', () => {
    const role = 'x"; DROP SCHEMA msmq_cert CASCADE; --';
    for (const line of grants(role, role)) assert.ok(line.includes('"x""; DROP SCHEMA msmq_cert CASCADE; --"'), line);
    fc.assert(
      fc.property(fc.string(), fc.string(), (submitter, worker) => {
        for (const line of grants(submitter, worker)) {
          const bare = line.replaceAll(/"(?:[^"]|"")*"/g, 'NAME');
          assert.match(bare, /^GRANT [A-Z, ()_a-z]+ ON [A-Z]*[\w .,()]+ TO NAME(, NAME)?;$/);
        }
      }),
    );
  });

  it('give the submitter nothing to change but what tells that a submit is whole', () => {
    const lines = grants('sub', 'work').filter((line) => line.includes('"sub"'));
    assert.deepEqual(
      lines.filter((line) => /UPDATE|DELETE|TRUNCATE/.test(line)),
      ['GRANT INSERT, UPDATE (submitted_at, users) ON msmq_cert.runs TO "sub";'],
    );
  });
});

describe('the names of the queues of a domain', () => {
  it('are of the domain', () => {
    assert.deepEqual(queueNames('corp.example'), { jobs: 'corp.example', dead: 'corp.example/dead' });
  });
});
