import assert from 'node:assert/strict';
import { MsmqCertError } from '../../src/errors.ts';
import { settle } from '../../src/queue/attempt.ts';
import { databaseError } from '../../src/queue/database-errors.ts';
import { patiently } from '../../src/run/patience.ts';

describe('A file that cannot be written, for a worker', () => {
  const failing = (code: MsmqCertError['code'], broken: MsmqCertError | null = null) => {
    const { settled, stop } = settle({ kind: 'refused', error: new MsmqCertError(code, 'so') }, null, 'w', broken);
    return { ...settled, stop: stop?.code ?? null };
  };
  const attempts = ({ output }: { output: object }) => 'attempts' in output && output.attempts;

  it('costs the job a try, or none where the folder of the worker is to blame, which stops', () => {
    const one = failing('file-unwritable');
    assert.deepEqual([one.kind, attempts(one), one.stop], ['later', 1, null]);
    const all = failing('file-unwritable', new MsmqCertError('untrusted-path', 'the folder'));
    assert.deepEqual([all.kind, attempts(all), all.stop], ['later', 0, 'untrusted-path']);
  });
});

describe('The failures of pg-boss', () => {
  it('are told also when it hands on the parts of an error', () => {
    const { code, message } = databaseError({ message: 'Connection terminated unexpectedly', stack: '' }, 'q on db1');
    assert.equal(code, 'database-unreachable');
    assert.match(message, /q on db1 cannot be reached: Connection terminated unexpectedly/);
  });
});

describe('Patience with a directory', () => {
  const never = new AbortController().signal;
  const answering = (after: number, code: MsmqCertError['code']) => {
    let asked = 0;
    const ask = async () => {
      asked++;
      if (asked <= after) throw new MsmqCertError(code, 'so');
      return asked;
    };
    return ask;
  };
  const atOnce = async () => {};

  it('waits for one that restarts', async () => {
    assert.equal(await patiently(answering(39, 'directory-unreachable'), never, atOnce), 40);
  });

  it('has an end', async () => {
    await assert.rejects(patiently(answering(40, 'directory-timeout'), never, atOnce), { code: 'directory-timeout' });
  });

  it('is not for what does not pass, nor for whoever is to stop', async () => {
    await assert.rejects(patiently(answering(1, 'user-not-found'), never, atOnce), { code: 'user-not-found' });
    const stopped = AbortSignal.abort();
    await assert.rejects(patiently(answering(1, 'directory-busy'), stopped, atOnce), { code: 'directory-busy' });
  });
});
