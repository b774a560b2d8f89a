import assert from 'node:assert/strict';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as tls from 'node:tls';
import { openssl, withFolder } from '../certificate/support.ts';
import { runMsmqCert } from '../cli/msmq-cert.ts';
import {
  actionsOf,
  assertPfxHolds,
  keyFilesBelow,
  machinesOf,
  mutation,
  type RegisteredEntry,
  reaching,
  readConsistentPair,
} from './command-line.ts';
import { type Lab, ldapSearch, readPairIndependently, readPassword, resetUser, startLab } from './lab.ts';

describe('The command against Active Directory', () => {
  let lab: Lab;
  before(async () => {
    lab = await startLab();
  });
  for (const when of [beforeEach, afterEach]) {
    when(async () => {
      for (const name of ['alice', 'bob', 'dave']) await resetUser(lab, name);
    });
  }

  const encryptions = [
    { encryption: 'TripleDES_SHA1', passphrase: 'a passphrase beside each PFX', mac: /^MAC: sha1,/ },
    { encryption: 'AES256_SHA256', passphrase: 'a passphrase from a file', mac: /^MAC: sha256,/ },
  ];
  for (const { encryption, passphrase, mac } of encryptions) {
    it(`registers, renews, overlaps and replaces, with ${encryption} and ${passphrase}`, () =>
      withFolder(async (folder) => {
        const out = join(folder, 'certs');
        const given = passphrase === 'a passphrase from a file' ? join(folder, 'passphrase') : null;
        if (given !== null) await writeFile(given, 'Grüße, 世界 "quoted" \\ $HOME\nsecond line');
        const words = [
          ...['--out', out, '--pfx-encryption', encryption, ...reaching(lab)],
          ...(given === null ? [] : ['--passphrase-file', given]),
        ];
        const registered = async () => {
          const entries = await readConsistentPair(lab, 'alice');
          for (const entry of entries) await assertKeySet(out, entry, given);
          return entries;
        };

        const machines = ['PC-1', 'PC-2', 'PC-3'].flatMap((name) => ['--machine', name]);
        const first = await mutation(['register', 'alice', ...machines, ...words]);
        assert.equal(first.code, 0, first.stderr);
        assert.deepEqual(actionsOf(first), ['PC-1 added', 'PC-2 added', 'PC-3 added']);
        const three = await registered();
        assert.deepEqual(machinesOf(three), ['PC-1', 'PC-2', 'PC-3']);
        assert.deepEqual(
          first.results.map(({ digest }) => digest),
          three.map(({ digest }) => digest),
        );

        const second = await mutation(['register', 'alice', ...machines, '--detailed-exitcode', ...words]);
        assert.equal(second.code, 0, second.stderr);
        assert.equal(second.changed, false);
        assert.deepEqual(actionsOf(second), ['PC-1 unchanged', 'PC-2 unchanged', 'PC-3 unchanged']);
        assert.deepEqual(await registered(), three);

        const renewed = await mutation(['renew', 'alice', '--all', '--machine', 'pc-1', ...words]);
        assert.equal(renewed.code, 0, renewed.stderr);
        assert.deepEqual(actionsOf(renewed), ['PC-1 replaced']);
        assert.equal(renewed.results[0]?.replacedDigest, three[0]?.digest);
        const afterRenewal = await registered();
        assert.deepEqual(machinesOf(afterRenewal), ['PC-2', 'PC-3', 'PC-1']);
        assert.deepEqual(rawOf(afterRenewal.slice(0, 2)), rawOf(three.slice(1)));

        const overlapped = await mutation(['renew', 'alice', '--all', '--machine', 'PC-2', '--overlap', ...words]);
        assert.deepEqual(actionsOf(overlapped), ['PC-2 added']);
        const afterOverlap = await registered();
        assert.deepEqual(machinesOf(afterOverlap), ['PC-2', 'PC-3', 'PC-1', 'PC-2']);
        assert.deepEqual(rawOf(afterOverlap.slice(0, 3)), rawOf(afterRenewal));

        const replaced = await mutation(['replace', 'alice', '--detailed-exitcode', ...words]);
        assert.equal(replaced.code, 10, replaced.stderr);
        assert.deepEqual([replaced.summary.added, replaced.summary.removed], [3, 4]);
        const afterReplacement = await registered();
        assert.deepEqual(machinesOf(afterReplacement).sort(), ['PC-1', 'PC-2', 'PC-3']);
        const old = new Set(afterOverlap.map(({ digest }) => digest));
        assert.ok(afterReplacement.every(({ digest }) => !old.has(digest)));

        const [newest] = afterReplacement;
        const pfx = join(folderOf(out, newest?.machine ?? ''), `${newest?.digest}.pfx`);
        const passphraseFile = given ?? pfx.replace(/pfx$/, 'pass');
        const info = await openssl('pkcs12', '-in', pfx, '-passin', `file:${passphraseFile}`, '-info', '-noout');
        assert.match(info, mac);
        assert.equal(
          await openssl('pkcs12', '-in', pfx, '-passin', 'pass:', '-noout').catch(() => 'refused'),
          'refused',
        );
      }));
  }

  it('says in plain words what it did', () =>
    withFolder(async (folder) => {
      const words = ['register', 'bob', '--machine', 'PC-1', '--out', 'certs', ...reaching(lab)];
      const first = await runMsmqCert([...words, '--journal', 'run.ndjson'], { cwd: folder });
      const [entry] = await readConsistentPair(lab, 'bob');
      const added = `  added  PC-1  ${entry?.digest}  certs/CORP_bob/PC-1/${entry?.digest}.pfx`;
      const summary = '1 user: 1 added, 0 removed, 0 unchanged, 0 failed\njournal: run.ndjson';
      assert.deepEqual(first, { code: 0, stdout: `CORP\\bob\n${added}\n\n${summary}\n`, stderr: '' });

      const again = await runMsmqCert(words, { cwd: folder });
      const unchanged = `  unchanged  PC-1  ${entry?.digest}`;
      const nothing = '1 user: 0 added, 0 removed, 1 unchanged, 0 failed';
      assert.deepEqual(again, { code: 0, stdout: `CORP\\bob\n${unchanged}\n\n${nothing}\n`, stderr: '' });
    }));

  it('changes nothing and makes no key with --dry-run', () =>
    withFolder(async (folder) => {
      const words = ['register', 'bob', '--machine', 'PC-1', '--dry-run', '--out', join(folder, 'certs')];
      const outcome = await runMsmqCert([...words, '--detailed-exitcode', ...reaching(lab)]);
      assert.equal(outcome.code, 10);
      assert.equal(
        outcome.stdout,
        'CORP\\bob\n  ADD  PC-1  (a new key)  not registered yet\n  0 certificates before, 1 after\n\n' +
          '1 user: 1 added, 0 removed, 0 unchanged, 0 failed (dry run: nothing was changed)\n',
      );
      assert.deepEqual(await readPairIndependently(lab, 'bob'), { blob: null, digests: [] });
      assert.deepEqual(await keyFilesBelow(folder), []);
    }));

  it('registers the public part of a certificate that exists already', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'bob.pem');
      const key = join(folder, 'bob.key');
      await openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=Bob', '-keyout', key, '-out', file);
      const der = join(folder, 'bob.cer');
      await openssl('x509', '-in', file, '-outform', 'DER', '-out', der);
      const added = await mutation(['register', 'bob', '--certificate', file, '--out', folder, ...reaching(lab)]);
      assert.deepEqual(actionsOf(added), ['null added']);
      const again = await mutation(['register', 'bob', '--certificate', der, '--out', folder, ...reaching(lab)]);
      assert.deepEqual(actionsOf(again), ['null unchanged']);
      const [entry, ...others] = await readConsistentPair(lab, 'bob');
      assert.deepEqual([entry?.subject, others], ['CN=Bob', []]);
      assert.deepEqual(await keyFilesBelow(folder), ['bob.cer', 'bob.key', 'bob.pem']);
    }));

  it('takes the password from standard input and the environment, StartTLS and a pinned certificate', async () => {
    const { bind, passwordFile } = lab.accounts.provisioner;
    const password = await readPassword(lab, 'provisioner');
    const sha256 = await fingerprintOf(lab.ip);
    const runs = [
      runMsmqCert(
        ['list', 'bob', '--directory', lab.startTlsUrl, '--ca-file', lab.caFile, '--bind', bind, '--password-stdin'],
        { input: `${password}\r\n` },
      ),
      runMsmqCert(['list', 'bob', '--ca-file', lab.caFile], {
        env: { MSMQ_CERT_DIRECTORY: lab.url, MSMQ_CERT_BIND: bind, MSMQ_CERT_PASSWORD: password },
      }),
      runMsmqCert(['list', 'bob', '--tls-fingerprint', sha256, '--password-file', passwordFile], {
        env: { MSMQ_CERT_DIRECTORY: lab.startTlsUrl, MSMQ_CERT_BIND: bind },
      }),
    ];
    for (const outcome of await Promise.all(runs)) {
      assert.deepEqual(outcome, { code: 0, stdout: 'CORP\\bob  0 certificates, 0 bytes\n', stderr: '' });
    }
  });

  describe('takes a user', () => {
    it('by account, DOMAIN\\user, UPN, distinguished name and SID', () =>
      withFolder(async (folder) => {
        const ldif = await ldapSearch(lab, ['-b', lab.accounts.dave.dn, '-s', 'base', 'objectSid']);
        const sid = await sidOf(ldif);
        const { bind, upn, dn } = lab.accounts.dave;
        const names = ['dave', bind, upn, dn, sid];
        const listed = await runMsmqCert(['list', ...names, '--json', ...reaching(lab)]);
        const { users } = JSON.parse(listed.stdout);
        assert.deepEqual(
          users.map(({ user, sid }: { user: string; sid: string }) => ({ user, sid })),
          names.map(() => ({ user: 'CORP\\dave', sid })),
        );

        // one user under five names gets one certificate, in one write
        const words = ['--machine', 'PC-1', '--out', folder, ...reaching(lab)];
        const registered = await mutation(['register', '--users-from', '-', ...words], {
          input: `# the same user\r\n\r\n${names.join('\r\n')}\r\n`,
        });
        assert.equal(registered.code, 0, registered.stderr);
        assert.deepEqual(actionsOf(registered), ['PC-1 added']);
        const [entry, ...others] = await readConsistentPair(lab, 'dave');
        assert.deepEqual([entry?.subject, others], ['CN=[CORP/dave\\, PC-1]', []]);
        const again = await mutation(['register', dn, ...words]);
        assert.deepEqual(actionsOf(again), ['PC-1 unchanged']);
      }));

    it('and goes on with the others when one name stands for nobody', () =>
      withFolder(async (folder) => {
        const words = ['--machine', 'PC-1', '--out', folder, ...reaching(lab)];
        const result = await mutation(['register', 'nobody', 'bob', 'EAST\\alice', ...words]);
        assert.equal(result.code, 1);
        assert.deepEqual(result.results.map(({ user, action, error }) => [user, action, error?.code]).sort(), [
          ['CORP\\bob', 'added', undefined],
          ['EAST\\alice', 'failed', 'user-not-found'],
          ['nobody', 'failed', 'user-not-found'],
        ]);
        assert.equal((await readConsistentPair(lab, 'bob')).length, 1);
      }));
  });

  describe('as the user itself', () => {
    it('registers with no other rights', () =>
      withFolder(async (folder) => {
        const words = ['register', 'alice', '--machine', 'PC-1', '--out', folder, ...reaching(lab, 'alice')];
        const own = await mutation(words);
        assert.deepEqual([own.code, actionsOf(own)], [0, ['PC-1 added']]);
        assert.deepEqual(machinesOf(await readConsistentPair(lab, 'alice')), ['PC-1']);
      }));

    const denied = [
      { who: 'reader', target: 'bob', hint: 'bind as the user itself, or give the account' },
      { who: 'alice', target: 'bob', hint: 'bind as the user itself, or give the account' },
      { who: 'protected', target: 'protected', hint: 'the account is protected (adminCount=1)' },
    ] as const;
    for (const { who, target, hint } of denied) {
      it(`is denied to ${who} for ${target}, and nothing changes`, () =>
        withFolder(async (folder) => {
          const words = ['register', target, '--machine', 'PC-1', '--out', folder, ...reaching(lab, who)];
          const refused = await runMsmqCert(words);
          const [message, explanation] = refused.stderr.split('\n');
          assert.equal(message, `error[access-denied]: no right to write the certificates of CORP\\${target}`);
          assert.ok(explanation?.startsWith(`hint: ${hint}`), explanation);
          assert.equal(refused.code, 1);
          assert.deepEqual(await readPairIndependently(lab, target), { blob: null, digests: [] });
          assert.deepEqual(await keyFilesBelow(folder), []);
        }));
    }
  });

  async function sidOf(ldif: string): Promise<string> {
    const bytes = Buffer.from(/^objectSid:: (.+)$/m.exec(ldif)?.[1] ?? '', 'base64');
    const authorities = Array.from({ length: bytes.readUInt8(1) }, (_, index) => bytes.readUInt32LE(8 + 4 * index));
    return ['S', bytes.readUInt8(0), bytes.readUIntBE(2, 6), ...authorities].join('-');
  }
});

function folderOf(out: string, machine: string): string {
  return join(out, 'CORP_alice', machine);
}

function rawOf(entries: RegisteredEntry[]): Buffer[] {
  return entries.map(({ raw }) => raw);
}

/** The key files of an entry: they hold its key, nobody else can read them, and there is nothing else of that name. */
async function assertKeySet(out: string, entry: RegisteredEntry, passphraseFile: string | null): Promise<void> {
  const folder = folderOf(out, entry.machine ?? '');
  const path = (extension: string) => join(folder, `${entry.digest}.${extension}`);
  const extensions = passphraseFile === null ? ['cer', 'pass', 'pfx'] : ['cer', 'pfx'];
  const present = (await keyFilesBelow(folder)).filter((name) => name.startsWith(entry.digest));
  assert.deepEqual(
    present,
    extensions.map((extension) => `${entry.digest}.${extension}`),
  );
  await assertPfxHolds(path('pfx'), passphraseFile ?? path('pass'), entry.certificate);
  for (const name of present) assert.equal(await modeOf(join(folder, name)), 0o600);
  for (const each of [folder, dirname(folder), out]) assert.equal(await modeOf(each), 0o700);
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

/** SHA-256 of the certificate that a server shows. */
async function fingerprintOf(ip: string): Promise<string> {
  const socket = tls.connect({ host: ip, port: 636, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}
