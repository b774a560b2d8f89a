import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { entryRecord } from '../../src/directory/ldif/entry.ts';
import { makeRecipient, opened, type RecipientFiles } from '../certificate/sealing/support.ts';
import { openssl, withFolder } from '../certificate/support.ts';
import { runMsmqCert } from './msmq-cert.ts';

interface Told {
  code: number | null;
  stderr: string;
  journal: string;
  results: {
    digest: string;
    action: string;
    files: { pfx: string | null; certificate: string; passphrase: string | null } | null;
    error: { code: string; message: string; hint: string } | null;
  }[];
  error?: { code: string; message: string; hint: string };
}

interface Place {
  folder: string;
  out: string;
  users: string;
  recipient: RecipientFiles;
  /** With --json, in the folder. */
  run(...words: string[]): Promise<Told>;
  register(...words: string[]): Promise<Told>;
}

async function inPlace(work: (place: Place) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const users = join(folder, 'users.ldif');
    const user = { account: 'CORP\\alice', dn: 'CN=alice,DC=corp', sid: null, guid: null, protected: false };
    await writeFile(users, entryRecord(user, { blob: null, digests: [] }));
    const out = join(folder, 'out');
    const env = { MSMQ_CERT_DIRECTORY: `ldif:${users}`, TMPDIR: join(folder, 'tmp') };
    await mkdir(env.TMPDIR);
    const run = async (...words: string[]): Promise<Told> => {
      const { code, stdout, stderr } = await runMsmqCert([...words, '--json'], { cwd: folder, env });
      assert.notEqual(stdout, '', stderr);
      return { code, stderr, ...JSON.parse(stdout) };
    };
    const register = (...words: string[]) => run('register', 'alice', '--machine', 'PC-1', '--out', out, ...words);
    await work({ folder, out, users, recipient: await makeRecipient(folder), run, register });
  });
}

/** Every file below the place but the recipient's own that holds one of these. */
async function filesWith(folder: string, secrets: Buffer[]): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    if (secrets.some((secret) => bytes.includes(secret))) found.push(path);
  }
  return found;
}

/** What tells a key in a file, readable or in its PFX. */
async function secretsOf(pfx: Buffer, passphrase: string, folder: string): Promise<Buffer[]> {
  const made = join(folder, 'looked-at.pfx');
  await writeFile(made, pfx);
  const pem = await openssl('pkcs12', '-in', made, '-passin', `pass:${passphrase}`, '-nodes', '-nocerts');
  const base64 = /-----BEGIN PRIVATE KEY-----([^-]+)-----/.exec(pem)?.[1] ?? '';
  const der = Buffer.from(base64, 'base64');
  assert.ok(der.length > 1000);
  await writeFile(made, '');
  // from the middle of the key, as its head is alike in all keys
  return [
    pfx.subarray(100, 164),
    der.subarray(400, 464),
    Buffer.from(der.subarray(400, 448).toString('base64')),
    Buffer.from(passphrase),
  ];
}

describe('--seal-to', () => {
  it('is needed: without it a search finds the keys', () =>
    inPlace(async ({ folder, register }) => {
      const { results } = await register();
      const { pfx, passphrase } = results[0]?.files ?? {};
      assert.ok(pfx != null && passphrase != null);
      const secrets = await secretsOf(await readFile(pfx), (await readFile(passphrase, 'utf8')).trim(), folder);
      assert.deepEqual((await filesWith(folder, secrets)).sort(), [passphrase, pfx].sort());
    }));

  for (const padding of [[], ['--seal-padding', 'pkcs1']]) {
    it(`writes what only the recipient opens ${padding.join(' ')}`, () =>
      inPlace(async ({ folder, out, recipient, register, run }) => {
        const told = await register('--seal-to', recipient.certificate, ...padding);
        const [item] = told.results;
        const start = join(out, 'CORP_alice', 'PC-1', item?.digest ?? '');
        const files = { pfx: `${start}.pfx.p7m`, certificate: `${start}.cer`, passphrase: `${start}.pass.p7m` };
        assert.deepEqual([told.code, item?.action, item?.files], [0, 'added', files]);
        assert.equal((await readdir(join(out, 'CORP_alice', 'PC-1'))).length, 3);
        for (const file of Object.values(files)) assert.equal((await stat(file)).mode & 0o777, 0o600);

        const pfx = await opened(files.pfx, recipient.certificate, recipient.key);
        const line = await opened(files.passphrase, recipient.certificate, recipient.key);
        assert.match(line.toString(), /^[0-9a-z-]{35}\n$/);
        const secrets = await secretsOf(pfx, line.toString().trim(), folder);
        assert.deepEqual(await filesWith(folder, secrets), []);

        const { keys } = JSON.parse(
          (await runMsmqCert(['keys', '--out', out, '--directory', `ldif:${folder}/users.ldif`, '--json'])).stdout,
        );
        assert.deepEqual([keys[0].state, keys[0].problem, keys[0].files], ['registered', null, files]);
        assert.equal((await run('undo', told.journal, '--yes')).code, 0);
      }));
  }

  it('is part of a plan, wherever the certificate of the recipient is by then', () =>
    inPlace(async ({ folder, out, recipient, run }) => {
      await run(
        'plan',
        'register',
        'alice',
        '--machine',
        'PC-1',
        '--out',
        'plan.json',
        '--seal-to',
        recipient.certificate,
      );
      const certificate = join(folder, 'kept.cer');
      await writeFile(certificate, await readFile(recipient.certificate));
      await writeFile(recipient.certificate, '');
      const { code, results } = await run('apply', 'plan.json', '--out', out);
      const [item] = results;
      assert.equal(code, 0);
      const pfx = item?.files?.pfx ?? '';
      assert.ok(pfx.endsWith('.pfx.p7m'));
      assert.ok((await opened(pfx, certificate, recipient.key)).length > 1000);
    }));

  it('gives a passphrase from a file along', () =>
    inPlace(async ({ folder, recipient, register }) => {
      await writeFile(join(folder, 'pw'), 'correct horse\n');
      const { results } = await register('--seal-to', recipient.certificate, '--passphrase-file', 'pw');
      const passphrase = results[0]?.files?.passphrase ?? '';
      assert.equal((await opened(passphrase, recipient.certificate, recipient.key)).toString(), 'correct horse\n');
    }));

  const refused: [string, string[], string][] = [
    ['a recipient without key encipherment', ['--seal-to', 'sign.cer'], 'recipient-unsuitable'],
    ['a recipient that is no certificate', ['--seal-to', 'users.ldif'], 'invalid-certificate'],
    ['a recipient that is not there', ['--seal-to', 'nowhere.cer'], 'file-unreadable'],
    ['a key sink besides', ['--seal-to', 'recipient.cer', '--key-sink', 'cat'], 'usage'],
    ['a padding without a recipient', ['--seal-padding', 'pkcs1'], 'usage'],
    ['an empty key sink', ['--key-sink', ' '], 'usage'],
  ];
  for (const [what, words, code] of refused) {
    it(`refuses ${what} before anything is made`, () =>
      inPlace(async ({ folder, out, users, register }) => {
        await mkdir(join(folder, 'other'));
        const { certificate } = await makeRecipient(join(folder, 'other'), 'keyUsage=digitalSignature');
        await writeFile(join(folder, 'sign.cer'), await readFile(certificate));
        const before = await readFile(users, 'utf8');
        const told = await register(...words);
        assert.deepEqual([told.code, told.error?.code, existsSync(out)], [2, code, false]);
        assert.ok(told.error?.hint);
        assert.equal(await readFile(users, 'utf8'), before);
      }));
  }
});

const takes = 'cat > taken.json; echo "$MSMQ_CERT_DIGEST"';

describe('--key-sink', () => {
  it('hands over the PFX and its passphrase, and leaves only the certificate', () =>
    inPlace(async ({ folder, out, register, run }) => {
      const told = await register('--key-sink', takes);
      const [item] = told.results;
      const certificate = join(out, 'CORP_alice', 'PC-1', `${item?.digest}.cer`);
      assert.deepEqual([told.code, item?.files], [0, { pfx: null, certificate, passphrase: null }]);
      assert.deepEqual(await readdir(join(out, 'CORP_alice', 'PC-1')), [`${item?.digest}.cer`]);

      const { pfx, passphrase, ...facts } = JSON.parse(await readFile(join(folder, 'taken.json'), 'utf8'));
      const bytes = (await readFile(certificate)).toString('base64');
      const expected = { schema: 1, user: 'CORP\\alice', dn: 'CN=alice,DC=corp', sid: null, machine: 'PC-1' };
      assert.deepEqual(facts, { ...expected, digest: item?.digest, certificate: bytes });
      const secrets = await secretsOf(Buffer.from(pfx, 'base64'), passphrase, folder);
      assert.deepEqual(await filesWith(folder, secrets), [join(folder, 'taken.json')]);

      assert.match(await readFile(told.journal, 'utf8'), /"type":"key-taken"/);
      const undone = await run('undo', told.journal, '--yes');
      assert.match(undone.stderr, new RegExp(`the key sink has a key of CORP.alice whose certificate ${item?.digest}`));
      const removed = await run('keys', '--out', out, '--remove-orphaned', '--yes');
      assert.equal(removed.code, 0, removed.stderr);
      assert.deepEqual(await readdir(join(out, 'CORP_alice', 'PC-1')), []);
    }));

  it('is part of a plan', () =>
    inPlace(async ({ folder, out, run }) => {
      await run('plan', 'register', 'alice', '--machine', 'PC-1', '--out', 'plan.json', '--key-sink', takes);
      assert.equal(existsSync(join(folder, 'taken.json')), false);
      const { results } = await run('apply', 'plan.json', '--out', out);
      assert.equal(JSON.parse(await readFile(join(folder, 'taken.json'), 'utf8')).digest, results[0]?.digest);
    }));

  it('is not run from a plan that others could have written', () =>
    inPlace(async ({ folder, out, users, run }) => {
      const before = await readFile(users, 'utf8');
      await run('plan', 'register', 'alice', '--machine', 'PC-1', '--out', 'plan.json', '--key-sink', takes);
      await chmod(join(folder, 'plan.json'), 0o666);
      const told = await run('apply', 'plan.json', '--out', out);
      assert.deepEqual([told.code, told.error?.code], [4, 'untrusted-path']);
      assert.equal(existsSync(join(folder, 'taken.json')), false);
      assert.equal(await readFile(users, 'utf8'), before);
      assert.equal((await run('apply', 'plan.json', '--out', out, '--key-sink', takes)).code, 0);
    }));

  it('is not asked in a dry run', () =>
    inPlace(async ({ folder, register }) => {
      assert.equal((await register('--key-sink', takes, '--dry-run')).code, 0);
      assert.equal(existsSync(join(folder, 'taken.json')), false);
    }));

  const failing: [string, string, RegExp][] = [
    ['writes nothing', 'cat > /dev/null', /did not print the digest/],
    ['reads nothing', 'true', /did not print the digest/],
    ['prints what it is given', 'cat', /did not print the digest/],
    ['fails', 'cat > /dev/null; echo "$MSMQ_CERT_DIGEST"; exit 3', /exit code 3/],
    ['is not there', '/nowhere/to/be/found', /exit code 127/],
    ['hangs', 'cat; echo "$MSMQ_CERT_DIGEST"; sleep 600', /timed out after 0.5 s/],
  ];
  for (const [what, command, message] of failing) {
    it(`that ${what}: nothing is registered, and nothing is left`, () =>
      inPlace(async ({ folder, out, users, register }) => {
        const before = await readFile(users, 'utf8');
        const told = await register('--key-sink', command, '--hook-timeout', '500ms');
        const [item] = told.results;
        assert.deepEqual([told.code, item?.action, item?.error?.code], [1, 'failed', 'key-sink-failed']);
        assert.match(item?.error?.message ?? '', message);
        assert.ok(item?.error?.hint);
        assert.equal(await readFile(users, 'utf8'), before);
        const left = await readdir(out, { recursive: true, withFileTypes: true });
        assert.deepEqual(
          left.filter((entry) => entry.isFile() && !entry.parentPath.endsWith('journal')),
          [],
        );
        assert.deepEqual(await readdir(join(folder, 'tmp')), []);
        assert.doesNotMatch(told.stderr, /"pfx"/);
      }));
  }

  it('tells what it has when another machine of the user fails', () =>
    inPlace(async ({ register }) => {
      const only = 'cat > /dev/null; test "$MSMQ_CERT_MACHINE" = PC-1 && echo "$MSMQ_CERT_DIGEST"';
      const { code, stderr } = await register('--machine', 'PC-2', '--key-sink', only);
      assert.equal(code, 1);
      assert.match(stderr, /the key sink has a key of CORP.alice whose certificate [0-9a-f]{32} is not registered/);
    }));
});
