import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  bits,
  identifier,
  nothing,
  positiveInteger,
  type Structure,
  sequence,
  setOf,
  smallInteger,
  time,
  utf8String,
} from '../../src/certificate/x509/asn1.ts';
import { rsaKey, unsigned, validity, withFolder } from '../certificate/support.ts';
import { runMsmqCert } from '../cli/msmq-cert.ts';
import { actionsOf, mutation, reaching, readConsistentPair } from './command-line.ts';
import { type Lab, ldapModify, readPairIndependently, resetUser, startLab, writePair } from './lab.ts';
import { blobOf, daysFromNow, md5 } from './seeds.ts';

const attributes = { CN: '2.5.4.3', OU: '2.5.4.11', O: '2.5.4.10' };

/** `O=MSMQ / OU=PC-1`, in the order of the certificate. */
function nameOf(text: string): Structure {
  const parts = text.split(' / ').map((part) => {
    const [type = '', value = ''] = part.split(/=(.*)/s);
    const oid = attributes[type as keyof typeof attributes];
    return setOf(sequence(identifier(oid), utf8String(value)));
  });
  return sequence(...parts);
}

let serial = 1;

/** A certificate of another maker: nobody signed it, and no extension is in it. */
function foreign(subject: string, daysLeft: number, issuer = subject): Buffer {
  return unsigned({
    serial: smallInteger(serial++),
    subject: nameOf(subject),
    issuer: nameOf(issuer),
    validity: validity(time(daysFromNow(-400)), time(daysFromNow(daysLeft))),
    publicKey: rsaKey(sequence(positiveInteger(Buffer.alloc(256, 0xb5)), smallInteger(65537))),
    signatureAlgorithm: sequence(identifier('1.2.840.113549.1.1.11'), nothing()),
    signature: bits(Buffer.alloc(256, 1)),
  });
}

const SOUND = 400;
const EXPIRED = -1;

describe('certificates of other makers', () => {
  let lab: Lab;
  const computers = ['W-1', 'W-2', 'W-3', 'W-4', 'W-5'];
  before(async () => {
    lab = await startLab();
    const twin = { name: 'W-TWIN-A', dns: 'twin.corp.example' };
    const records = [
      ...computers.map((name) => ({ name, dns: `${name.toLowerCase()}.corp.example` })),
      twin,
      { name: 'W-TWIN-B', dns: twin.dns },
      { name: 'ALICE', dns: 'alice.corp.example' },
    ].map(({ name, dns }) =>
      [
        `dn: CN=${name},CN=Computers,${lab.baseDn}`,
        'changetype: add',
        'objectClass: computer',
        `sAMAccountName: ${name}$`,
        `dNSHostName: ${dns}`,
        'userAccountControl: 4096',
        '',
      ].join('\n'),
    );
    await ldapModify(lab, records.join('\n'));
  });
  for (const when of [beforeEach, afterEach]) when(() => resetUser(lab, 'alice'));

  const write = async (certificates: Buffer[]) => {
    const entries = certificates.map((certificate) => ({ certificate, digest: md5(certificate) }));
    await writePair(lab, 'alice', { blob: blobOf(entries), digests: entries.map(({ digest }) => digest) });
  };
  const digestsNow = async () => (await readConsistentPair(lab, 'alice')).map(({ digest }) => digest);
  /** The values of mSMQDigests have no order. */
  const pairNow = async () => {
    const { blob, digests } = await readPairIndependently(lab, 'alice');
    return { blob, digests: digests.map((digest) => digest.toString('hex')).sort() };
  };
  const hex = (certificate: Buffer) => md5(certificate).toString('hex');

  /** One for each machine, in five styles of naming it. */
  const styles = (daysLeft: number) => [
    foreign('O=MSMQ / OU=W-1 / CN=CORP\\alice', daysLeft),
    foreign('CN=[CORP/alice, W-2]', daysLeft),
    foreign('CN=w-3.corp.example', daysLeft),
    foreign('CN=alice', daysLeft, 'CN=W-4'),
    foreign('CN=XW-5X / O=CORP', daysLeft),
  ];

  it('that are broken are renewed where their machine is certain, and undo brings them back', () =>
    withFolder(async (folder) => {
      const certificates = styles(EXPIRED);
      const inALongerWord = certificates.at(-1) ?? Buffer.alloc(0);
      await write(certificates);
      const before = await pairNow();
      const words = ['--out', folder, ...reaching(lab)];
      const result = await mutation(['renew', 'alice', '--broken', ...words]);
      assert.deepEqual(actionsOf(result).sort(), [
        'W-1 replaced',
        'W-2 replaced',
        'W-4 replaced',
        'null failed',
        'w-3.corp.example replaced',
      ]);
      const [failed] = result.results.filter(({ action }) => action === 'failed');
      assert.match(failed?.error?.hint ?? '', new RegExp(`--machine-of ${hex(inALongerWord)}=<machine>`));
      const left = await digestsNow();
      assert.equal(left.length, 5);
      assert.deepEqual(
        certificates.filter((each) => left.includes(hex(each))),
        [inALongerWord],
      );

      assert.equal((await mutation(['undo', await journalIn(folder), ...reaching(lab)])).code, 0);
      assert.deepEqual(await pairNow(), before);
    }));

  it('that are sound stay beside the new ones until they are retired', () =>
    withFolder(async (folder) => {
      const certificates = styles(SOUND);
      await write(certificates);
      const words = ['--out', folder, ...reaching(lab)];
      const first = await mutation(['replace', 'alice', ...words]);
      assert.equal(first.code, 0, first.stderr);
      assert.deepEqual(actionsOf(first).sort(), ['W-1 added', 'W-2 added', 'W-4 added', 'w-3.corp.example added']);
      const overlapping = await digestsNow();
      assert.deepEqual(certificates.map(hex), overlapping.slice(0, 5));
      assert.equal(overlapping.length, 9);

      const plan = await runMsmqCert(['replace', 'alice', '--dry-run', ...words]);
      assert.match(plan.stdout, /KEEP +W-1 +[0-9a-f]{32} +sound, and of another maker: it stays beside the new one/);
      assert.equal((await mutation(['replace', 'alice', '--retire', ...words])).code, 0);
      const retired = await digestsNow();
      assert.equal(retired.length, 5);
      assert.deepEqual(
        certificates.map(hex).filter((digest) => retired.includes(digest)),
        [hex(certificates.at(-1) ?? Buffer.alloc(0))],
      );
    }));

  it('are asked for by register too, and told by list and explain', () =>
    withFolder(async (folder) => {
      const sound = foreign('O=MSMQ / OU=W-1 / CN=CORP\\alice', SOUND);
      await write([sound]);
      const words = ['--out', folder, ...reaching(lab)];
      assert.deepEqual(actionsOf(await mutation(['register', 'alice', '--machine', 'w-1', ...words])), [
        'w-1 unchanged',
      ]);

      const { stdout } = await runMsmqCert(['list', 'alice', '--json', ...reaching(lab)]);
      const [certificate] = JSON.parse(stdout).users[0].certificates;
      assert.deepEqual([certificate.machine, certificate.recognisedBy], ['W-1', 'computer-account']);
      assert.equal(
        (await runMsmqCert(['list', 'alice', ...reaching(lab)])).stdout.includes('W-1 (computer account)'),
        true,
      );
      const explained = await runMsmqCert(['explain', 'alice', '--machine', 'W-1', ...reaching(lab)]);
      assert.match(explained.stdout, /another maker/);
      assert.match(explained.stdout, /Enable-MsmqCertificate -RenewInternalCertificate/);
    }));

  it('that name more than one computer, or nothing but the user, keep their bytes', () =>
    withFolder(async (folder) => {
      const certificates = [
        foreign('OU=W-1 / CN=W-2', EXPIRED),
        foreign('CN=twin.corp.example', EXPIRED),
        foreign('O=MSMQ / CN=CORP\\alice', EXPIRED),
        foreign(computers.map((name) => `OU=${name}`).join(' / '), SOUND),
      ];
      await write(certificates);
      const before = await pairNow();
      const words = ['--out', folder, ...reaching(lab)];
      for (const verb of [
        ['renew', '--broken'],
        ['renew', '--all'],
        ['replace', '--retire'],
      ]) {
        await mutation([...verb, 'alice', ...words]);
        assert.deepEqual(await pairNow(), before, verb.join(' '));
      }
      const { stdout } = await runMsmqCert(['list', 'alice', '--json', ...reaching(lab)]);
      const candidates = JSON.parse(stdout).users[0].certificates.map(
        (each: { candidates?: string[] }) => each.candidates,
      );
      assert.deepEqual(candidates, [['W-1', 'W-2'], ['W-TWIN-A', 'W-TWIN-B'], undefined, computers]);
    }));

  it('are those of the machine that is stated, which may come from a list', () =>
    withFolder(async (folder) => {
      const [one, two, other] = [foreign('CN=first', EXPIRED), foreign('CN=second', EXPIRED), foreign('CN=x', SOUND)];
      assert.ok(one && two && other);
      await write([one, two, other]);
      const list = join(folder, 'machines.csv');
      await writeFile(list, `digest,machine\n${hex(two)},W-9\n${'00'.repeat(16)},W-8\n`);
      const stated = ['--machine-of', `${hex(one)}=W-7`, '--machines-from', list];
      const result = await mutation(['renew', 'alice', '--broken', '--out', folder, ...stated, ...reaching(lab)]);
      assert.equal(result.code, 0, result.stderr);
      assert.deepEqual(actionsOf(result).sort(), ['W-7 replaced', 'W-9 replaced']);
      assert.match(result.stderr, new RegExp(`note: no certificate has .*: ${'00'.repeat(16)}\n`));
      assert.ok((await digestsNow()).includes(hex(other)));
    }));
});

async function journalIn(folder: string): Promise<string> {
  const [name = ''] = (await readdir(join(folder, 'journal'))).filter((each) => each.endsWith('.ndjson'));
  return join(folder, 'journal', name);
}
