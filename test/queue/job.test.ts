import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { MsmqCertError } from '../../src/errors.ts';
import { domainOfDn, JOB_SCHEMA, jobId, keyFormSchema, readJob, userLock } from '../../src/queue/job.ts';

const alice = { account: 'CORP\\alice', dn: 'CN=Alice,DC=corp,DC=example', sid: null, guid: null };
const run = randomUUID();
const job = { schema: JOB_SCHEMA, run, user: alice, wanted: [] };
const newKey = { kind: 'new-key' };

function codeOf(data: unknown): string {
  try {
    readJob(data);
    return 'read';
  } catch (error) {
    assert.ok(error instanceof MsmqCertError, String(error));
    assert.ok(error.hint !== undefined && error.message !== '');
    return error.code;
  }
}

describe('a job of the queue', () => {
  it('has the same id for one user of one run, by what survives a renaming, and another one otherwise', () => {
    const guid = randomUUID();
    const id = jobId(run, { ...alice, guid });
    assert.match(id, /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
    assert.equal(jobId(run, { guid: guid.toUpperCase(), sid: 'S-1-5-7', dn: 'CN=Renamed' }), id);
    assert.notEqual(jobId(randomUUID(), { ...alice, guid }), id);
    assert.notEqual(jobId(run, { ...alice, guid: randomUUID() }), id);
    assert.notEqual(jobId(run, alice), jobId(run, { ...alice, dn: 'CN=Bob,DC=corp,DC=example' }));
  });

  it('has ids that do not meet', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.uuid(), { minLength: 2, maxLength: 50 }), (guids) => {
        assert.equal(new Set(guids.map((guid) => jobId(run, { ...alice, guid }))).size, guids.length);
      }),
    );
  });

  it('locks a user under one name in all runs, of characters that the queue takes', () => {
    const guid = randomUUID();
    assert.equal(userLock({ ...alice, guid }), guid);
    assert.equal(userLock({ ...alice, sid: 'S-1-5-21-1' }), 'S-1-5-21-1');
    const byDn = userLock(alice);
    assert.match(byDn, /^[\da-f]{64}$/);
    assert.equal(userLock({ ...alice, dn: 'cn=ALICE, dc=corp,dc=Example' }), byDn);
  });

  it('is read back as it was written', () => {
    const wanted = [{ machine: 'PC-1', source: newKey, validForMs: 5 }];
    assert.deepEqual(readJob(JSON.parse(JSON.stringify({ ...job, wanted }))), { ...job, wanted });
  });

  it('waits for a newer worker when it is of a newer form, whatever else it says', () => {
    for (const data of [{ schema: 2 }, { ...job, schema: JOB_SCHEMA + 1 }, { schema: 1e300, run: 5 }])
      assert.equal(codeOf(data), 'job-too-new');
  });

  it('is refused when it is not what queue submit writes', () => {
    const external = { kind: 'external', file: '/etc/shadow', digest: 'aa', bytes: 1 };
    const cases: unknown[] = [
      ...[
        undefined,
        null,
        'x',
        7,
        [],
        {},
        { ...job, schema: 0 },
        { ...job, schema: '2' },
        { ...job, schema: Number.NaN },
      ],
      ...[
        { ...job, run: 'x' },
        { ...job, user: null },
        { ...job, user: { ...alice, dn: null } },
        { ...job, wanted: {} },
      ],
      { ...job, wanted: [{ machine: 'PC-1', source: { kind: 'run', command: 'id' }, validForMs: null }] },
      { ...job, wanted: [{ machine: 'PC-1', source: external, validForMs: null }] },
      { ...job, wanted: [{ machine: 'PC-1', source: { ...external, content: '!' }, validForMs: null }] },
    ];
    for (const data of cases) assert.equal(codeOf(data), 'job-refused', JSON.stringify(data));
    for (const machine of ['../x', '', 'a b', 'PC-1\u0000', 'x'.repeat(256)])
      assert.equal(codeOf({ ...job, wanted: [{ machine, source: newKey, validForMs: null }] }), 'invalid-machine');
  });

  it('ends in one of our errors, whatever is thrown at it', () => {
    fc.assert(fc.property(fc.anything(), (data) => assert.notEqual(codeOf(data), 'internal')));
    fc.assert(
      fc.property(
        fc.record({ schema: fc.anything(), run: fc.anything(), user: fc.anything(), wanted: fc.anything() }),
        (data) => assert.ok(['read', 'job-refused', 'job-too-new'].includes(codeOf(data))),
      ),
    );
  });

  it('takes of the key settings none that says where keys go or what is run', () => {
    const form = keyFormSchema.parse({
      ...{ keySize: 2048, hash: 'sha256', validFor: 1, pfxEncryption: 'AES256_SHA256', maxCertificates: 820 },
      ...{
        subjects: [],
        machinesOf: {},
        out: '/tmp',
        passphraseFile: '/etc/x',
        handover: { kind: 'sink', command: 'id' },
      },
    });
    assert.doesNotMatch(JSON.stringify(form), /tmp|etc|sink|command/);
  });
});

describe('the domain that a queue is called by', () => {
  it('is the one that the user lies in', () => {
    assert.equal(domainOfDn('CN=a\\,DC=x,OU=b,DC=Corp,dc=EXAMPLE'), 'corp.example');
    assert.throws(() => domainOfDn('CN=a,O=corp'), {
      code: 'usage',
      message: '"CN=a,O=corp" lies in no domain that a queue could be called by',
    });
  });
});
