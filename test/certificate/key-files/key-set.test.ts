import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { appendFile, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { md5Hex } from '../../../src/blob/digest.ts';
import { type Custody, sha256 } from '../../../src/certificate/key-files/custody.ts';
import { type KeyFiles, keySetIn, writeKeyFiles } from '../../../src/certificate/key-files/key-files.ts';
import { type KeyDemands, meetsDemands, readKeySet } from '../../../src/certificate/key-files/key-set.ts';
import { buildPfx, type PfxEncryption } from '../../../src/certificate/pkcs12/pkcs12.ts';
import { anyIssued, issueRequest, withFolder } from '../support.ts';

const passphrase = 'correct horse';

interface Set {
  files: KeyFiles;
  digest: string;
}

async function makeSet(folder: string, encryption: PfxEncryption = 'TripleDES_SHA1', keeps = true): Promise<Set> {
  const { certificate, privateKey } = await anyIssued();
  const digest = md5Hex(certificate);
  const pfx = buildPfx({ certificate, privateKey, passphrase, friendlyName: 'x', encryption });
  const files = keySetIn(join(folder, 'set'), digest, keeps);
  await writeKeyFiles(files, { pfx, certificate, passphrase: keeps ? passphrase : null });
  return { files, digest };
}

describe('readKeySet', () => {
  const afterwards: [string, (files: KeyFiles) => Promise<unknown>, object][] = [
    ['whole', async () => {}, { kind: 'whole' }],
    ['whole beside what a crash left', (files) => writeFile(`${files.pfx}.tmp`, ''), { kind: 'whole' }],
    ['unfinished without a certificate', (files) => rm(files.certificate), { kind: 'unfinished' }],
    [
      'unfinished while the certificate has its temporary name',
      (files) => rename(files.certificate, `${files.certificate}.tmp`),
      { kind: 'unfinished' },
    ],
    ['gone', (files) => Promise.all(Object.values(files).map((file) => rm(file))), { kind: 'gone' }],
  ];
  for (const [what, change, expected] of afterwards) {
    it(`finds a set ${what}`, () =>
      withFolder(async (folder) => {
        const { files, digest } = await makeSet(folder);
        await change(files);
        const { kind } = await readKeySet(files, digest);
        assert.deepEqual({ kind }, expected);
      }));
  }

  for (const part of ['certificate', 'pfx', 'passphrase'] as const) {
    const ways: [string, (file: string) => Promise<void>][] = [
      ['empty', (file) => truncate(file, 0)],
      ['torn', (file) => truncate(file, 7)],
    ];
    if (part !== 'passphrase') ways.push(['longer', (file) => appendFile(file, 'x')]);
    for (const [how, change] of ways) {
      it(`names the file when the ${part} is ${how}`, () =>
        withFolder(async (folder) => {
          const { files, digest } = await makeSet(folder);
          await change(files[part] ?? '');
          const state = await readKeySet(files, digest);
          assert.ok(state.kind === 'torn');
          // a wrong passphrase and a PFX that does not open look alike
          assert.equal(state.file, part === 'certificate' ? files.certificate : files.pfx);
          assert.equal(state.why.includes('is empty'), how === 'empty' && part !== 'passphrase');
        }));
    }
  }

  for (const part of ['pfx', 'passphrase'] as const) {
    it(`names the ${part} when it is gone`, () =>
      withFolder(async (folder) => {
        const { files, digest } = await makeSet(folder);
        await rm(files[part] ?? '');
        assert.deepEqual(await readKeySet(files, digest), { kind: 'torn', file: files[part], why: 'is gone' });
      }));
  }
});

const { subject, keySize, hash, validForMs } = issueRequest();
const usual: Omit<KeyDemands, 'now'> = {
  account: 'CORP\\alice',
  machine: 'pc-1',
  subject,
  keySize,
  hash,
  validForMs,
  encryption: 'TripleDES_SHA1',
  passphrase: null,
  maxAgeMs: 3_600_000,
};

describe('meetsDemands', () => {
  async function fits(changes: Partial<KeyDemands>, encryption?: PfxEncryption, keeps = true): Promise<boolean> {
    return withFolder(async (folder) => {
      const { files, digest } = await makeSet(folder, encryption, keeps);
      const set = await readKeySet(files, digest);
      assert.ok(set.kind === 'whole');
      return meetsDemands(set, { ...usual, now: new Date(), ...changes });
    });
  }

  it('takes what the run would have made', async () => {
    assert.equal(await fits({}), true);
    assert.equal(await fits({ encryption: 'AES256_SHA256' }, 'AES256_SHA256'), true);
    assert.equal(await fits({ passphrase }, 'TripleDES_SHA1', false), true);
  });

  const other: [string, Partial<KeyDemands>][] = [
    ['account', { account: 'CORP\\bob' }],
    ['machine', { machine: 'PC-2' }],
    ['size', { keySize: 4096 }],
    ['hash', { hash: 'sha1' }],
    ['validity', { validForMs: validForMs / 2 }],
    ['encryption', { encryption: 'AES256_SHA256' }],
    ['passphrase', { passphrase }],
    ['age', { maxAgeMs: 1000, now: new Date(Date.now() + 3_600_000) }],
    ['end', { maxAgeMs: Number.POSITIVE_INFINITY, now: new Date(Date.now() + 2 * validForMs) }],
  ];
  for (const [what, changes] of other) {
    it(`takes none of another ${what}`, async () => assert.equal(await fits(changes), false));
  }

  it('takes none that the given passphrase does not open, or that has one of its own where none is given', async () => {
    assert.equal(await fits({ passphrase: 'another' }, 'TripleDES_SHA1', false), false);
    assert.equal(await fits({}, 'TripleDES_SHA1', false), false);
  });
});

describe('a sealed key set', () => {
  const sealed = { pfx: Buffer.from('sealed pfx'), passphrase: Buffer.from('sealed passphrase') };
  const custody = {
    kind: 'sealed',
    recipient: 'a'.repeat(64),
    padding: 'oaep',
    pfx: sha256(sealed.pfx),
    passphrase: sha256(sealed.passphrase),
  } as const;

  async function withSealed(work: (files: KeyFiles, digest: string) => Promise<void>): Promise<void> {
    await withFolder(async (folder) => {
      const { certificate } = await anyIssued();
      const digest = md5Hex(certificate);
      const files = keySetIn(join(folder, 'set'), digest, true, 'sealed');
      await writeKeyFiles(files, { ...sealed, certificate });
      await work(files, digest);
    });
  }

  it('is whole when it is byte for byte what its journal says', () =>
    withSealed(async (files, digest) => {
      const set = await readKeySet(files, digest, custody);
      assert.ok(set.kind === 'whole');
      assert.deepEqual(set.key, custody);
      const unknown = await readKeySet(files, digest);
      assert.ok(unknown.kind === 'whole');
      assert.deepEqual(unknown.key, { kind: 'sealed-unknown' });
    }));

  for (const part of ['pfx', 'passphrase'] as const) {
    it(`is torn when its ${part} is another`, () =>
      withSealed(async (files, digest) => {
        await writeFile(files[part] ?? '', 'somebody else sealed this');
        const state = await readKeySet(files, digest, custody);
        assert.deepEqual(state, { kind: 'torn', file: files[part], why: 'is not what was sealed' });
      }));
  }

  it('meets only the demands of a run that seals to the same recipient with passphrases of its own', () =>
    withSealed(async (files, digest) => {
      const { certificate } = await anyIssued();
      const recipient = (sha256: string) => ({
        certificate,
        publicKey: new X509Certificate(certificate).publicKey,
        sha256,
      });
      const sealedTo = (sha256: string, padding: 'oaep' | 'pkcs1' = 'oaep'): Partial<KeyDemands> => ({
        handover: { kind: 'sealed', recipient: recipient(sha256), padding },
      });
      const set = await readKeySet(files, digest, custody);
      const unknown = await readKeySet(files, digest);
      assert.ok(set.kind === 'whole' && unknown.kind === 'whole');
      const fits = (changes: Partial<KeyDemands>, which = set) =>
        meetsDemands(which, { ...usual, now: new Date(), ...changes });
      const same = sealedTo(custody.recipient);
      assert.equal(fits(same), true);
      assert.equal(fits(same, unknown), false);
      assert.equal(fits(sealedTo('b'.repeat(64))), false);
      assert.equal(fits(sealedTo(custody.recipient, 'pkcs1')), false);
      assert.equal(fits({ ...same, passphrase }), false);
      assert.equal(fits({}), false);
    }));
});

describe('a key set whose key a sink has', () => {
  it('meets the demands only when the sink has said so', () =>
    withFolder(async (folder) => {
      const { certificate } = await anyIssued();
      const digest = md5Hex(certificate);
      const files = keySetIn(join(folder, 'set'), digest, true, 'sink');
      await writeKeyFiles(files, { pfx: null, certificate, passphrase: null });
      assert.deepEqual(await readdir(join(folder, 'set')), [`${digest}.cer`]);
      const handover: KeyDemands['handover'] = { kind: 'sink', sink: { command: 'x', timeoutMs: 1 } };
      const fits = async (custody: Custody | null, changes: Partial<KeyDemands> = { handover }) => {
        const set = await readKeySet(files, digest, custody);
        return set.kind === 'whole' && meetsDemands(set, { ...usual, now: new Date(), ...changes });
      };
      assert.equal(await fits({ kind: 'sink', taken: true }), true);
      assert.equal(await fits({ kind: 'sink', taken: false }), false);
      assert.equal(await fits(null), false);
      assert.equal(await fits({ kind: 'sink', taken: true }, {}), false);
    }));
});
