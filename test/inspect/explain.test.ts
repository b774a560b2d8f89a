import assert from 'node:assert/strict';
import { newEntry } from '../../src/blob/edit.ts';
import type { Pair } from '../../src/blob/pair.ts';
import { DEFAULT_SUBJECT, parseSubjectTemplate } from '../../src/certificate/subject.ts';
import { explain } from '../../src/inspect/explain.ts';
import { noComputers } from '../../src/judge/recognise.ts';
import { assess, type Criteria } from '../../src/judge/state.ts';
import { certificate, pairOf } from '../judge/trouble.ts';
import { alice } from '../plan/states.ts';
import { directoryOf } from './in-memory.ts';

const criteria: Criteria = {
  now: new Date(),
  expiringWithinMs: 0,
  maxCertificates: 820,
  subjects: [parseSubjectTemplate(DEFAULT_SUBJECT)],
  stated: new Map(),
  computers: noComputers,
};
const bob = { ...alice, account: 'CORP\\bob', dn: 'CN=Bob,DC=corp,DC=example', sid: 'S-1-5-21-1-2-3-1105' };
const ofPc1 = certificate({ commonName: '[CORP/alice, PC-1]' });

async function explained(pair: Pair, others: Parameters<typeof directoryOf>[0] = []) {
  const state = assess(alice, pair, criteria);
  const { checks, command } = await explain(state, 'PC-1', directoryOf([[alice, pair], ...others]));
  const failed = checks.filter(({ status }) => status === 'failed').map(({ name }) => name);
  return { failed, names: checks.map(({ name }) => name), command };
}

describe('why a signature is invalid', () => {
  it('is nothing that can be seen where all is well, and the receiver is asked next', async () => {
    const { failed, command } = await explained(pairOf([ofPc1]));
    assert.deepEqual(failed, []);
    assert.match(command, /^msmq-cert verify /);
  });

  it('is that nothing is registered for the machine', async () => {
    const { failed, command } = await explained({ blob: null, digests: [] });
    assert.deepEqual(failed, ['registered']);
    assert.equal(command, "msmq-cert register 'CORP\\alice' --machine PC-1");
  });

  it('is an expired certificate, and what comes after it is not asked', async () => {
    const { failed, names, command } = await explained(
      pairOf([certificate({ commonName: '[CORP/alice, PC-1]', startsIn: -20, endsIn: -1 })]),
    );
    assert.deepEqual([failed, names.at(-1)], [['sound'], 'sound']);
    assert.equal(command, "msmq-cert renew 'CORP\\alice' --machine PC-1 --broken");
  });

  it('is a digest that is missing', async () => {
    const { failed, command } = await explained({ ...pairOf([ofPc1]), digests: [] });
    assert.deepEqual(failed, ['digests']);
    assert.equal(command, "msmq-cert repair 'CORP\\alice'");
  });

  it('is a second user with the digest: his certificate goes, or his orphan', async () => {
    const withIt = await explained(pairOf([ofPc1]), [[bob, pairOf([ofPc1])]]);
    assert.deepEqual(withIt.failed, ['unique']);
    assert.match(withIt.command, /^msmq-cert prune 'CORP\\bob' --digest [0-9a-f]{32} --yes$/);
    const orphan: Pair = { blob: null, digests: [newEntry(ofPc1).digest] };
    assert.equal((await explained(pairOf([ofPc1]), [[bob, orphan]])).command, "msmq-cert repair 'CORP\\bob'");
  });

  it('is a blob that cannot be read, and nothing else', async () => {
    const { failed, names, command } = await explained({ blob: Buffer.from([1, 2, 3]), digests: [] });
    assert.deepEqual([failed, names], [['blob'], ['blob']]);
    assert.equal(command, "msmq-cert repair 'CORP\\alice' --salvage --yes");
  });
});
