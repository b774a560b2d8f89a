import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { Change } from '../../src/blob/pair.ts';
import type { ActiveDirectory } from '../../src/directory/active-directory/active-directory.ts';
import { readBytes } from '../../src/directory/active-directory/read/search.ts';
import type { User } from '../../src/directory/directory.ts';
import { type Lab, ldapModify, readPairIndependently, resetUser, startLab, userDn, writePair } from './lab.ts';
import { labConnections } from './lab-connections.ts';
import { type LossyProxy, lossyProxy } from './lossy-proxy.ts';

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest();
const digest = (text: string) => md5(Buffer.from(text));
const sorted = (values: Uint8Array[]) => values.map((value) => Buffer.from(value).toString('hex')).sort();
const adding = (blob: string, ...digests: string[]): Change => ({
  blob: Buffer.from(blob),
  digestsToAdd: digests.map(digest),
  digestsToDelete: [],
});

describe('Active Directory: reading and swapping the pair', () => {
  let lab: Lab;
  const { connect, closeAll } = labConnections(() => lab);
  before(async () => {
    lab = await startLab();
  });
  afterEach(closeAll);

  let directory: ActiveDirectory;
  let bob: User;
  beforeEach(async () => {
    await resetUser(lab, 'bob');
    directory = await connect();
    bob = await directory.findUser('bob');
  });

  const assertPair = async (blob: string | null, ...digests: string[]) => {
    const found = await readPairIndependently(lab, 'bob');
    assert.deepEqual(found.blob, blob === null ? null : Buffer.from(blob));
    assert.deepEqual(sorted(found.digests), sorted(digests.map(digest)));
    const read = await directory.read(bob);
    assert.deepEqual({ ...read, digests: sorted(read.digests) }, { ...found, digests: sorted(found.digests) });
  };
  /** Swaps what is there now. */
  const swap = async (change: Change) => directory.swap(bob, await directory.read(bob), change);
  const swapped = { kind: 'swapped' };
  const conflict = { kind: 'conflict' };

  it('goes from nothing to two certificates, to one and to nothing', async () => {
    await assertPair(null);
    assert.deepEqual(await swap(adding('first', 'a', 'b')), swapped);
    await assertPair('first', 'a', 'b');
    assert.deepEqual(await swap({ ...adding('second', 'c'), digestsToDelete: [digest('a')] }), swapped);
    await assertPair('second', 'b', 'c');
    const all = ['b', 'c'].map(digest);
    assert.deepEqual(await swap({ blob: null, digestsToAdd: [], digestsToDelete: all }), swapped);
    await assertPair(null);
  });

  it('writes nothing when somebody was faster', async () => {
    await swap(adding('first', 'a'));
    const stale = await directory.read(bob);
    await swap(adding('rival', 'b'));
    assert.deepEqual(await directory.swap(bob, stale, adding('mine', 'c')), conflict);
    assert.deepEqual(
      await directory.swap(bob, stale, { blob: null, digestsToAdd: [], digestsToDelete: [digest('a')] }),
      conflict,
    );
    await assertPair('rival', 'a', 'b');
  });

  it('lets one of many first registrations win', async () => {
    const before = await directory.read(bob);
    const names = ['a', 'b', 'c', 'd', 'e'];
    const outcomes = await Promise.all(names.map((name) => directory.swap(bob, before, adding(name, name))));
    assert.deepEqual(outcomes.map(({ kind }) => kind).sort(), [
      'conflict',
      'conflict',
      'conflict',
      'conflict',
      'swapped',
    ]);
    const winner = names[outcomes.findIndex(({ kind }) => kind === 'swapped')] ?? '';
    await assertPair(winner, winner);
  });

  it('writes nothing when a digest is there already', async () => {
    await writePair(lab, 'bob', { blob: null, digests: [digest('orphan')] });
    assert.deepEqual(await swap(adding('first', 'a', 'orphan')), conflict);
    await assertPair(null, 'orphan');
    assert.deepEqual(await swap(adding('first', 'a')), swapped);
    await assertPair('first', 'a', 'orphan');
  });

  it('compares a blob that it does not change', async () => {
    await swap(adding('same', 'a', 'orphan'));
    const before = await directory.read(bob);
    const sweep: Change = {
      blob: Buffer.from('same'),
      digestsToAdd: [digest('b')],
      digestsToDelete: [digest('orphan')],
    };
    assert.deepEqual(await directory.swap(bob, before, sweep), swapped);
    await assertPair('same', 'a', 'b');
    await swap(adding('rival'));
    const stale = { ...sweep, digestsToAdd: [], digestsToDelete: [digest('b')] };
    assert.deepEqual(await directory.swap(bob, before, stale), conflict);
    await assertPair('rival', 'a', 'b');
  });

  it('keeps bytes that look like text as they are', async () => {
    const textual = Buffer.from('sixteen letters!');
    const blob = Buffer.from('\ufeffblob');
    await writePair(lab, 'bob', { blob, digests: [textual] });
    assert.deepEqual(await directory.read(bob), { blob, digests: [textual] });
  });

  it('writes and reads 600 KB with a thousand digests', async () => {
    const blob = randomBytes(600_000);
    const digestsToAdd = Array.from({ length: 1000 }, (_, index) => digest(`${index}`));
    assert.deepEqual(await swap({ blob, digestsToAdd, digestsToDelete: [] }), swapped);
    const read = await directory.read(bob);
    assert.ok(blob.equals(read.blob ?? Buffer.alloc(0)));
    assert.deepEqual(sorted(read.digests), sorted(digestsToAdd));
    assert.ok(blob.equals((await readPairIndependently(lab, 'bob')).blob ?? Buffer.alloc(0)));
  });

  it('is refused a blob above the limit of the schema', async () => {
    const outcome = await swap({ ...adding('', 'a'), blob: Buffer.alloc(1_048_577, 1) });
    assert.equal(outcome.kind === 'refused' && outcome.error.code, 'directory-limit');
    await assertPair(null);
  });

  it('is refused with a digest that is none', async () => {
    const outcome = await swap({ ...adding('first'), digestsToAdd: [Buffer.alloc(15)] });
    assert.equal(outcome.kind === 'refused' && outcome.error.code, 'directory-error');
    await assertPair(null);
  });

  it('understands the answer to a request for a range', async () => {
    await writePair(lab, 'bob', { blob: null, digests: ['a', 'b', 'c', 'd'].map(digest) });
    const pages = ['0-1', '2-*'].map(async (range) => {
      const answer = await readBytes(directory.search, bob.dn, [`mSMQDigests;range=${range}`]);
      return answer?.get(`mSMQDigests;range=${range}`) ?? [];
    });
    assert.deepEqual(sorted((await Promise.all(pages)).flat()), sorted(['a', 'b', 'c', 'd'].map(digest)));
  });

  it('follows a user who is renamed, and says when it is deleted', async () => {
    await ldapModify(lab, addRecord('temporary'));
    const user = await directory.findUser('temporary');
    await ldapModify(lab, `dn: ${user.dn}\nchangetype: modrdn\nnewrdn: CN=renamed\ndeleteoldrdn: 1\n`);
    assert.deepEqual(await directory.swap(user, await directory.read(user), adding('first', 'a')), swapped);
    await ldapModify(lab, `dn: ${userDn(lab, 'renamed')}\nchangetype: delete\n`);
    await assert.rejects(directory.read(user), { code: 'user-not-found' });
    const outcome = await directory.swap(user, { blob: null, digests: [] }, adding('second', 'b'));
    assert.equal(outcome.kind === 'refused' && outcome.error.code, 'user-not-found');
  });

  it('serves many users at the same time on one connection', async () => {
    const users = await Promise.all(['alice', 'bob', 'carol', 'dave'].map((name) => directory.findUser(name)));
    await Promise.all(['alice', 'carol', 'dave'].map((name) => resetUser(lab, name)));
    const blobs = users.map(({ dn }) => Buffer.concat([Buffer.from(dn), randomBytes(50_000)]));
    const work = users.map(async (user, index) => {
      const blob = blobs[index] ?? null;
      return directory.swap(user, await directory.read(user), {
        blob,
        digestsToAdd: [digest(user.dn)],
        digestsToDelete: [],
      });
    });
    assert.deepEqual(
      await Promise.all(work),
      users.map(() => swapped),
    );
    const read = await Promise.all(users.map((user) => directory.read(user)));
    assert.deepEqual(
      read.map(({ blob }) => md5(blob ?? Buffer.alloc(0))),
      blobs.map(md5),
    );
    await Promise.all(['alice', 'carol', 'dave'].map((name) => resetUser(lab, name)));
  });

  describe('and rights', () => {
    it('lets users register their own certificates', async () => {
      directory = await connect('bob');
      assert.deepEqual(await swap(adding('own', 'a')), swapped);
      await assertPair('own', 'a');
    });

    it('refuses an account without the right, and nothing changes', async () => {
      await swap(adding('first', 'a'));
      directory = await connect('reader');
      const outcome = await swap(adding('second', 'b'));
      assert.equal(outcome.kind === 'refused' && outcome.error.code, 'access-denied');
      await assertPair('first', 'a');
    });

    it('refuses even the account itself when it is protected, and says so', async () => {
      const own = await connect('protected');
      const user = await own.findUser('protected');
      const outcome = await own.swap(user, await own.read(user), adding('first', 'a'));
      assert.ok(outcome.kind === 'refused');
      assert.equal(outcome.error.code, 'access-denied');
      assert.match(outcome.error.hint ?? '', /adminCount=1/);
    });

    it('refuses a write to the global catalog and names the port to use', async () => {
      directory = await connect('provisioner', { url: lab.gcUrl });
      const outcome = await swap(adding('first', 'a'));
      assert.ok(outcome.kind === 'refused');
      assert.equal(outcome.error.code, 'referral');
      assert.match(outcome.error.hint ?? '', /636/);
      await assertPair(null);
    });
  });

  describe('when the reply is lost', () => {
    let proxy: LossyProxy;
    beforeEach(async () => {
      proxy = await lossyProxy(lab.ip);
      directory = await connect('provisioner', { url: proxy.url });
    });
    afterEach(async () => {
      await proxy.close();
    });

    const big = (text: string) => text.repeat(400);

    it('finds out that the write was done', async () => {
      const before = await directory.read(bob);
      const lost = proxy.loseReply(700);
      assert.deepEqual(await directory.swap(bob, before, adding(big('new'), 'a')), swapped);
      await lost;
      await assertPair(big('new'), 'a');
    });

    it('finds out that it was not', async () => {
      const stale = await directory.read(bob);
      await writePair(lab, 'bob', { blob: Buffer.from('rival'), digests: [digest('b')] });
      const lost = proxy.loseReply(700);
      assert.deepEqual(await directory.swap(bob, stale, adding(big('new'), 'a')), conflict);
      await lost;
      await assertPair('rival', 'b');
    });

    it('reads again when the reply to a read is lost', async () => {
      await writePair(lab, 'bob', { blob: Buffer.from('there'), digests: [digest('a')] });
      const lost = proxy.loseReply();
      assert.deepEqual(await directory.read(bob), { blob: Buffer.from('there'), digests: [digest('a')] });
      await lost;
    });

    it('says that the outcome is unknown when the server stays away', async () => {
      const before = await directory.read(bob);
      const lost = proxy.loseReply(700).then(() => proxy.close());
      const attempt = directory.swap(bob, before, adding(big('new'), 'a'));
      await assert.rejects(attempt, {
        code: 'directory-unreachable',
        message: /CORP\\bob, and its outcome is unknown/,
      });
      await lost;
      proxy = await lossyProxy(lab.ip);
    });
  });

  function addRecord(name: string): string {
    return `dn: ${userDn(lab, name)}\nchangetype: add\nobjectClass: user\nsAMAccountName: ${name}\n`;
  }
});
