import { readFile } from 'node:fs/promises';
import { Attribute, Client, Change as LdapChange } from 'ldapts';
import { encode } from '../../src/blob/codec.ts';
import { changeTo } from '../../src/blob/edit.ts';
import type { Change, Pair } from '../../src/blob/pair.ts';
import type { Directory, User } from '../../src/directory/directory.ts';
import { readPassword } from '../../test/active-directory/lab.ts';
import { labConnections } from '../../test/active-directory/lab-connections.ts';
import type { Lab } from '../lab/lab.ts';
import type { Benchmark } from './benchmark.ts';
import { entriesThatFill } from './entries.ts';
import { withLab } from './lab.ts';
import { inTurns, median, timesAsLong } from './turns.ts';

const ROUNDS = 15;
const RETURNS_PER_ROUND = 5;
const BLOB_BYTES = 600_000;

export const modifyBenchmark: Benchmark = {
  name: 'modify',
  what: 'rate of modifies of a 600 KB blob, to plain ldapts with the same values',
  target: { at: 'least', value: 2, unit: 'times' },
  measure: () => withLab([], measure),
};

type Write = (before: Pair, change: Change) => Promise<void>;

async function measure(lab: Lab) {
  const { connect, closeAll } = labConnections(() => lab);
  const plain = await plainClient(lab);
  try {
    const directory = await connect();
    const user = await directory.findUser('bob');
    const [one, other] = twoStates();
    const ours: Write = (before, change) => swap(directory, user, before, change);
    const reference: Write = (before, change) => plain.modify(user.dn, plainChanges(before, change));

    await ours(NOTHING, changeTo(NOTHING, one));
    const turns = await inTurns(
      ROUNDS,
      () => backAndForth(ours, one, other),
      () => backAndForth(reference, one, other),
    );
    const perSecond = (times: number[]) => (2 * RETURNS_PER_ROUND * 1000) / median(times);
    return {
      measured: 1 / timesAsLong(turns),
      details: {
        blobBytes: one.blob.length,
        digests: one.digests.length,
        oursPerSecond: perSecond(turns.ours),
        plainPerSecond: perSecond(turns.reference),
      },
    };
  } finally {
    await plain.unbind();
    await closeAll();
  }
}

/** The client as its documentation shows it. */
async function plainClient(lab: Lab): Promise<Client> {
  const client = new Client({ url: lab.url, tlsOptions: { ca: await readFile(lab.caFile) } });
  await client.bind(lab.accounts.provisioner.bind, await readPassword(lab, 'provisioner'));
  return client;
}

const NOTHING: Pair = { blob: null, digests: [] };

/** Two pairs that differ in one certificate, as before and after a renewal. */
function twoStates() {
  const [first, second, ...rest] = entriesThatFill(BLOB_BYTES);
  if (first === undefined || second === undefined) throw new Error('the blob is too small');
  return [stateOf([...rest, first]), stateOf([...rest, second])] as const;
}

function stateOf(entries: ReturnType<typeof entriesThatFill>) {
  return { blob: encode(entries), digests: entries.map(({ digest }) => digest) };
}

async function backAndForth(write: Write, one: Pair, other: Pair): Promise<void> {
  for (let done = 0; done < RETURNS_PER_ROUND; done++) {
    await write(one, changeTo(one, other));
    await write(other, changeTo(other, one));
  }
}

async function swap(directory: Directory, user: User, before: Pair, change: Change): Promise<void> {
  const outcome = await directory.swap(user, before, change);
  if (outcome.kind !== 'swapped') throw new Error(`the swap ended with ${outcome.kind}`);
}

function plainChanges(before: Pair, { blob, digestsToAdd, digestsToDelete }: Change): LdapChange[] {
  return [
    plainChange('delete', 'mSMQSignCertificates', before.blob === null ? [] : [before.blob]),
    plainChange('add', 'mSMQSignCertificates', blob === null ? [] : [blob]),
    plainChange('delete', 'mSMQDigests', digestsToDelete),
    plainChange('add', 'mSMQDigests', digestsToAdd),
  ];
}

function plainChange(operation: 'add' | 'delete', type: string, values: readonly Uint8Array[]): LdapChange {
  return new LdapChange({
    operation,
    modification: new Attribute({ type, values: values.map((value) => Buffer.from(value)) }),
  });
}
