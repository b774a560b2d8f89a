import assert from 'node:assert/strict';
import type { User } from '../../src/directory/directory.ts';
import type { JournalHistory } from '../../src/journal/read.ts';
import { type Journal, noJournal } from '../../src/journal/write.ts';
import type { Queue } from '../../src/queue/queue.ts';
import { sharedJournal } from '../../src/queue/swaps.ts';

const user: User = { account: 'CORP\\alice', dn: 'CN=alice', sid: null, guid: 'a', protected: false };
const nothing = { blob: null, digests: [] };

describe('The journal that workers share', () => {
  const run = 'e7fc3f3b-7e5c-4c4e-8c8b-1f6e1a2b3c4d';
  const intent: Parameters<Journal['intend']> = [
    'dc1',
    { user, before: nothing, pieces: [], refusal: null } as unknown as Parameters<Journal['intend']>[1],
    { blob: null, digestsToAdd: [], digestsToDelete: [] },
    [],
  ];

  it('tells the outcome of the write that this worker was about to make, in both places', async () => {
    const { journal, file, rows } = shared(null);
    await journal.intend(...intent);
    await journal.conclude(user, 'swapped', null);
    assert.deepEqual(file, ['intent', 'swapped']);
    assert.deepEqual(rows, ['new row', 'outcome of row 1']);
  });

  it('leaves the outcome of the write of another worker out of its own file, where it has no beginning', async () => {
    const { journal, file, rows } = shared(null);
    await journal.conclude(user, 'swapped', null);
    assert.deepEqual(file, []);
    assert.deepEqual(rows, ['outcome of the last row']);
  });

  it('tells the outcome of a write that an earlier process began in the same file', async () => {
    const of = () => ({ swaps: [{ intent: {}, outcome: null }], hooks: [], keys: [] });
    const { journal, file } = shared({ of } as unknown as JournalHistory);
    await journal.conclude(user, 'swapped', null);
    assert.deepEqual(file, ['swapped']);
  });

  it('leaves a write alone that nobody has made known to the others', async () => {
    const { journal, file } = shared(null, new Error('the database is gone'));
    await assert.rejects(journal.intend(...intent), /gone/);
    assert.deepEqual(file, ['intent']);
  });

  function shared(history: JournalHistory | null, failure: Error | null = null) {
    const file: string[] = [];
    const rows: string[] = [];
    const own: Journal = {
      ...noJournal,
      intend: async () => void file.push('intent'),
      conclude: async (_user, outcome) => void file.push(outcome),
    };
    const query = async (sql: string, values: readonly unknown[] = []) => {
      if (failure !== null) throw failure;
      if (sql.startsWith('INSERT')) {
        rows.push('new row');
        return [{ id: '1' }];
      }
      rows.push(values[0] === null ? 'outcome of the last row' : `outcome of row ${values[0]}`);
      return [];
    };
    const journal = sharedJournal({ ...own, history }, { query } as unknown as Queue, run, 'worker');
    return { journal, file, rows };
  }
});
