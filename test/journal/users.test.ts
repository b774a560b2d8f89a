import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readJournal } from '../../src/journal/read.ts';
import { mayBeWritten } from '../../src/journal/users.ts';

const at = '2026-01-01T00:00:00.000Z';
const keys = {
  ...{ out: 'keys', keySize: 2048, hash: 'sha256', validFor: 1000, pfxEncryption: 'TripleDES_SHA1' },
  ...{ passphraseFile: null, maxCertificates: 820, subjects: [], machinesOf: {} },
};
const run = {
  ...{ type: 'run', schema: 1, run: 'r', at, by: 'somebody', bind: null, server: 's', directory: 'ldif:users.ldif' },
  ...{ fingerprint: 'f', request: { verb: 'register', mode: 'always' }, keys },
};
const blobBytes = 10_000;

function intent(name: string) {
  const user = { account: `CORP\\${name}`, dn: `CN=${name}`, sid: null, guid: null, protected: false };
  const before = { blob: Buffer.alloc(blobBytes, name).toString('base64'), digests: [] };
  const change = { after: '0'.repeat(64), digestsAdded: [], digestsRemoved: [], items: [] };
  return { type: 'intent', at, server: 's', user, before, ...change };
}

function outcome(name: string, became: string) {
  return { type: 'outcome', at, user: `cn=${name}`, outcome: became, error: null };
}

function hook(name: string, became: string) {
  return { type: 'hook', at, user: `cn=${name}`, machine: null, digest: 'd', outcome: became, status: '', output: '' };
}

describe('the users of a journal', () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'msmq-cert-test-'));
    path = join(folder, 'run.ndjson');
  });

  afterEach(() => rm(folder, { recursive: true }));

  const journalOf = async (...records: object[]) => {
    await writeFile(path, [run, ...records].map((record) => `${JSON.stringify(record)}\n`).join(''));
    return await readJournal(path);
  };

  it('are read one at a time, with all that was written of each', async () => {
    const history = await journalOf(
      intent('äda'),
      intent('bob'),
      outcome('äda', 'swapped'),
      outcome('bob', 'conflict'),
    );
    for (const [name, became] of [
      ['äda', 'swapped'],
      ['bob', 'conflict'],
    ] as const) {
      const [swap, ...more] = history.of(`cn=${name}`)?.swaps ?? [];
      assert.deepEqual(swap, { intent: intent(name), outcome: outcome(name, became) });
      assert.deepEqual(more, []);
    }
    assert.equal(history.of('cn=carol'), undefined);
  });

  it('are not in memory with the values that they had', async () => {
    const history = await journalOf(intent('ada'), outcome('ada', 'swapped'));
    assert.ok(JSON.stringify([...history.users]).length < blobBytes);
  });

  it('were written when one of their swaps may have taken', async () => {
    const written = async (...outcomes: (string | null)[]) => {
      const records = outcomes.flatMap((became) => [
        intent('ada'),
        ...(became === null ? [] : [outcome('ada', became)]),
      ]);
      const user = (await journalOf(...records)).users.get('cn=ada');
      return user !== undefined && mayBeWritten(user);
    };
    assert.deepEqual(
      [await written('conflict'), await written('refused'), await written(null), await written('swapped')],
      [false, false, true, true],
    );
    assert.deepEqual([await written('swapped', 'refused'), await written('conflict', 'refused')], [true, false]);
  });

  it('are owed what the last try to deliver did not bring', async () => {
    const undelivered = async (...tries: string[]) => {
      const { users } = await journalOf(...tries.map((became) => hook('ada', became)));
      return users.get('cn=ada')?.undelivered?.size;
    };
    assert.deepEqual(
      [await undelivered('failed'), await undelivered('failed', 'done'), await undelivered('done', 'failed')],
      [1, 0, 1],
    );
  });

  it('are not believed when the journal is not what it was', async () => {
    const history = await journalOf(intent('ada'));
    await writeFile(path, '{}\n');
    assert.throws(() => history.of('cn=ada'), { code: 'invalid-journal' });
  });

  it('have no outcome of a swap that never began', async () => {
    await assert.rejects(journalOf(outcome('ada', 'swapped')), { code: 'invalid-journal' });
  });
});
