import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeRecipient, opened, type RecipientFiles } from '../certificate/sealing/support.ts';
import { openssl, withFolder } from '../certificate/support.ts';
import { outcomeOf, runMsmqCert, startMsmqCert } from '../cli/msmq-cert.ts';
import { journalIn } from './bulk.ts';
import {
  assertPfxHolds,
  keyFilesBelow,
  letTimePass,
  mutation,
  type RegisteredEntry,
  reaching,
  readConsistentPair,
} from './command-line.ts';
import { fileWrites, tracingWrites } from './file-writes.ts';
import { gateProxy } from './gate-proxy.ts';
import { type Lab, resetUser, startLab } from './lab.ts';

interface Place {
  folder: string;
  out: string;
  recipient: RecipientFiles;
}

async function inPlace(work: (place: Place) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    await work({ folder, out: join(folder, 'out'), recipient: await makeRecipient(folder) });
  });
}

describe('Keys that leave no readable trace', () => {
  let lab: Lab;
  before(async () => {
    lab = await startLab();
  });
  for (const when of [beforeEach, afterEach]) when(() => resetUser(lab, 'carol'));

  const registering = (out: string, more: string[], url = lab.url) => [
    ...['register', 'carol', '--machine', 'PC-1', '--out', out, ...more],
    ...reaching(lab, 'provisioner', url),
  ];

  /** Kills the command when its keys are made and its write stands before the directory. */
  async function killBeforeSwap(out: string, more: string[]): Promise<void> {
    const gate = await gateProxy(lab.ip);
    const child = startMsmqCert(registering(out, more, gate.url));
    const outcome = outcomeOf(child);
    await Promise.race([gate.held(1), outcome]);
    child.kill('SIGKILL');
    assert.equal((await outcome).code, null);
    await gate.close();
    assert.deepEqual(await readConsistentPair(lab, 'carol'), []);
    await letTimePass(out);
  }

  async function registered(): Promise<RegisteredEntry> {
    const [entry, ...others] = await readConsistentPair(lab, 'carol');
    assert.ok(entry !== undefined && others.length === 0);
    return entry;
  }

  const resume = async (out: string) => mutation(['resume', await journalIn(out), ...reaching(lab)]);
  const ofSet = (digest: string) => ['cer', 'pass.p7m', 'pfx.p7m'].map((end) => `CORP_carol/PC-1/${digest}.${end}`);

  async function assertRecipientOpens({ out, folder, recipient }: Place, entry: RegisteredEntry): Promise<void> {
    const start = join(out, 'CORP_carol', 'PC-1', entry.digest);
    for (const part of ['pfx', 'pass']) {
      const content = await opened(`${start}.${part}.p7m`, recipient.certificate, recipient.key);
      await writeFile(join(folder, part), content);
    }
    await assertPfxHolds(join(folder, 'pfx'), join(folder, 'pass'), entry.certificate);
  }

  it('are registered as they were sealed, by whoever goes on after a kill between sealing and write', () =>
    inPlace(async (place) => {
      const { out, recipient } = place;
      await killBeforeSwap(out, ['--seal-to', recipient.certificate]);
      const made = await keyFilesBelow(out);
      const result = await resume(out);
      assert.equal(result.code, 0, result.stderr);
      const entry = await registered();
      assert.deepEqual([made, await keyFilesBelow(out)], [ofSet(entry.digest), ofSet(entry.digest)]);
      await assertRecipientOpens(place, entry);
    }));

  for (const part of ['pfx.p7m', 'pass.p7m']) {
    it(`are made anew where the ${part} is not what was sealed, which is set aside`, () =>
      inPlace(async (place) => {
        const { out, recipient } = place;
        await killBeforeSwap(out, ['--seal-to', recipient.certificate]);
        const [sealed = ''] = (await keyFilesBelow(out)).filter((file) => file.endsWith(part));
        const bytes = await readFile(join(out, sealed));
        await writeFile(join(out, sealed), bytes.fill(0, bytes.length - 4));
        const result = await resume(out);
        assert.equal(result.code, 0, result.stderr);
        assert.match(result.stderr, /is not what was sealed/);
        const entry = await registered();
        assert.ok(!sealed.includes(entry.digest));
        const files = await keyFilesBelow(out);
        assert.deepEqual(
          files.filter((file) => !file.endsWith('.set-aside')),
          ofSet(entry.digest),
        );
        assert.equal(files.length, 6);
        await assertRecipientOpens(place, entry);
      }));
  }

  it('are not given to a key sink a second time after a kill between that and the write', () =>
    inPlace(async ({ folder, out }) => {
      const taken = join(folder, 'taken.ndjson');
      await killBeforeSwap(out, ['--key-sink', `cat >> ${taken}; echo "$MSMQ_CERT_DIGEST"`]);
      const result = await resume(out);
      assert.equal(result.code, 0, result.stderr);
      const { digest, certificate } = await registered();
      const [document, ...others] = (await readFile(taken, 'utf8')).trimEnd().split('\n');
      assert.deepEqual(others, []);
      const key = JSON.parse(document ?? '');
      assert.equal(key.digest, digest);
      await writeFile(join(folder, 'pfx'), Buffer.from(key.pfx, 'base64'));
      await writeFile(join(folder, 'pass'), key.passphrase);
      await assertPfxHolds(join(folder, 'pfx'), join(folder, 'pass'), certificate);
      assert.deepEqual(await keyFilesBelow(out), [`CORP_carol/PC-1/${digest}.cer`]);
    }));

  it('are given anew to a key sink that was at work when the command was killed', () =>
    inPlace(async ({ folder, out }) => {
      const [taken, killed] = [join(folder, 'taken.ndjson'), join(folder, 'killed')];
      const killsOnce = `test -f ${killed} || { touch ${killed}; kill -9 $PPID; }`;
      const words = registering(out, ['--key-sink', `cat >> ${taken}; ${killsOnce}; echo "$MSMQ_CERT_DIGEST"`]);
      assert.equal((await runMsmqCert(words)).code, null);
      assert.deepEqual(await readConsistentPair(lab, 'carol'), []);
      await letTimePass(out);
      const result = await resume(out);
      assert.equal(result.code, 0, result.stderr);
      const documents = (await readFile(taken, 'utf8')).trimEnd().split('\n');
      assert.equal(documents.length, 2);
      const { digest } = await registered();
      assert.equal(JSON.parse(documents[1] ?? '').digest, digest);
      assert.deepEqual(await keyFilesBelow(out), [`CORP_carol/PC-1/${digest}.cer`]);
    }));

  for (const way of ['files', 'seal-to', 'key-sink'] as const) {
    it(`are ${way === 'files' ? 'seen to be' : 'never'} written to a disk readable: ${way}`, () =>
      inPlace(async ({ folder, out, recipient }) => {
        const taken = join(folder, 'taken.json');
        const more = {
          files: [],
          'seal-to': ['--seal-to', recipient.certificate],
          'key-sink': ['--key-sink', `cat > ${taken}; echo "$MSMQ_CERT_DIGEST"`],
        };
        const trace = join(folder, 'trace');
        const result = await runMsmqCert(registering(out, more[way]), { under: tracingWrites(trace) });
        assert.equal(result.code, 0, result.stderr);

        const { digest } = await registered();
        const start = join(out, 'CORP_carol', 'PC-1', digest);
        const { pfx, passphrase } = await madeKey[way](start, taken, recipient);
        const secrets = [pfx.subarray(100, 164), await keyBytes(pfx, passphrase, folder), Buffer.from(passphrase)];
        const written = await fileWrites(trace);
        assert.ok(written.some(({ path }) => path.startsWith(start)));
        const readable = written.filter(({ bytes }) => secrets.some((secret) => bytes.includes(secret)));
        const paths = [...new Set(readable.map(({ path }) => path))].sort();
        // what the sink itself does with the key is its own affair
        const expected = { files: [`${start}.pass.tmp`, `${start}.pfx.tmp`], 'seal-to': [], 'key-sink': [taken] };
        assert.deepEqual(paths, expected[way]);
      }));
  }
});

interface MadeKey {
  pfx: Buffer;
  passphrase: string;
}

/** How a test gets at the key of each way. */
const madeKey = {
  files: async (start: string): Promise<MadeKey> => ({
    pfx: await readFile(`${start}.pfx`),
    passphrase: (await readFile(`${start}.pass`, 'utf8')).trim(),
  }),
  'seal-to': async (start: string, _taken: string, { certificate, key }: RecipientFiles): Promise<MadeKey> => ({
    pfx: await opened(`${start}.pfx.p7m`, certificate, key),
    passphrase: (await opened(`${start}.pass.p7m`, certificate, key)).toString().trim(),
  }),
  'key-sink': async (_start: string, taken: string): Promise<MadeKey> => {
    const { pfx, passphrase } = JSON.parse(await readFile(taken, 'utf8'));
    return { pfx: Buffer.from(pfx, 'base64'), passphrase };
  },
};

/** Bytes from the middle of the private key as PKCS #8. */
async function keyBytes(pfx: Buffer, passphrase: string, folder: string): Promise<Buffer> {
  const file = join(folder, 'looked-at.pfx');
  await writeFile(file, pfx);
  const pem = await openssl('pkcs12', '-in', file, '-passin', `pass:${passphrase}`, '-nodes', '-nocerts');
  const key = createPrivateKey(pem.slice(pem.indexOf('-----BEGIN PRIVATE KEY')));
  return key.export({ type: 'pkcs8', format: 'der' }).subarray(400, 464);
}
