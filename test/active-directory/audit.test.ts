import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ldifBinary } from '../../src/directory/ldif/ldif.ts';
import type { AuditSummary, UserJson } from '../../src/inspect/audit/report.ts';
import { runMsmqCert } from '../cli/msmq-cert.ts';
import { readEverything } from '../directory/listed.ts';
import { certificate, expectedCounts, MAX_CERTIFICATES, pairOf, troubles } from '../judge/trouble.ts';
import { reaching } from './command-line.ts';
import { type Lab, ldapModify, resetUser, startLab, userDn, writePair } from './lab.ts';
import { labConnections } from './lab-connections.ts';
import { lossyProxy } from './lossy-proxy.ts';

interface Document {
  summary: AuditSummary;
  users: UserJson[];
  errors: { user: string | null; code: string }[];
  notes: string[];
}

const USERS = 60;

describe('msmq-cert audit of a real domain', function () {
  this.timeout(180_000);

  let lab: Lab;
  const { connect, closeAll } = labConnections(() => lab);
  before(async () => {
    lab = await startLab({ users: USERS });
  });
  after(closeAll);

  async function auditJson(...words: string[]): Promise<Document> {
    const { stdout, stderr } = await runMsmqCert(['audit', ...reaching(lab, 'administrator'), '--json', ...words]);
    assert.notEqual(stdout, '', stderr);
    const document = JSON.parse(stdout);
    assert.ok('summary' in document, stderr);
    return document;
  }

  const nameOf = (number: number) => `user${String(number).padStart(4, '0')}`;

  describe('with seeded trouble', () => {
    const seeded: { name: string; code: string }[] = [];

    before(async () => {
      for (const [index, { code, pair }] of troubles().entries()) {
        const name = nameOf(index + 1);
        await writePair(lab, name, pair);
        seeded.push({ name, code });
      }
      await writePair(lab, 'protected', pairOf([certificate()]));
      seeded.push({ name: 'protected', code: 'protected-account' });
      await writePair(lab, nameOf(40), pairOf([certificate()]));
      const legacy = [
        'changetype: modify',
        'add: mSMQDigestsMig',
        ldifBinary('mSMQDigestsMig', Buffer.alloc(16, 3)),
        '-',
      ];
      await ldapModify(lab, `dn: ${userDn(lab, nameOf(40))}\n${legacy.join('\n')}\n`);
      seeded.push({ name: nameOf(40), code: 'legacy-attributes' });
      await writePair(lab, nameOf(41), pairOf([certificate()]));
    });

    it('finds trouble of every code, each exactly once', async () => {
      const { summary, users, notes } = await auditJson('--max-certificates', String(MAX_CERTIFICATES));
      assert.deepEqual(summary.findings, expectedCounts(seeded));
      const found = users.map(({ user, findings, certificates }) => [
        user,
        ...findings,
        ...certificates.flatMap((each) => each.findings),
      ]);
      assert.deepEqual(found.sort(), seeded.map(({ name, code }) => [`CORP\\${name}`, code]).sort());
      assert.deepEqual(notes, []);
    });

    it('calls a machine inactive that has not logged on for the given time', async () => {
      const dn = `CN=PC-IDLE,CN=Computers,${lab.baseDn}`;
      const idle = ['changetype: add', 'objectClass: computer', 'sAMAccountName: PC-IDLE$', 'userAccountControl: 4096'];
      await ldapModify(lab, `dn: ${dn}\n${idle.join('\n')}\nlastLogonTimestamp: 130000000000000000\n`);
      try {
        await writePair(lab, nameOf(42), pairOf([certificate({ commonName: '[CORP/x, PC-IDLE]' })]));
        const findings = async (duration: string) =>
          (await auditJson('--filter', `(sAMAccountName=${nameOf(42)})`, '--machine-inactive', duration)).summary
            .findings;
        assert.deepEqual(await findings('180d'), { 'machine-inactive': 1 });
        assert.deepEqual(await findings('100y'), {});
      } finally {
        await ldapModify(lab, `dn: ${dn}\nchangetype: delete\n`);
      }
    });

    it('counts every user of the domain, and only those that a filter or a base leaves', async () => {
      const whole = (await auditJson()).summary.users;
      assert.ok(whole > USERS + 9, `${whole} users`);
      assert.equal((await auditJson('--filter', '(sAMAccountName=user00*)')).summary.users, USERS);
      assert.equal((await auditJson('--base-dn', `CN=Computers,${lab.baseDn}`)).summary.users, 0);
      assert.equal(
        (await auditJson('--base-dn', `CN=Computers,${lab.baseDn}`, '--include', 'computers')).summary.users,
        3,
      );
    });

    it('says in a report which part of the directory was read, and who was bound', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'msmq-cert-audit-'));
      try {
        const html = join(folder, 'report.html');
        await auditJson('--html', html);
        const page = readFileSync(html, 'utf8');
        assert.ok(page.includes(`<dt>Base DN</dt><dd>${lab.baseDn}</dd>`), 'the report does not name the base');
        assert.match(page, /<dt>Read by<\/dt><dd>[^<]*\\Administrator<\/dd>/i);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    it('sees a digest shared with an object outside the base', async () => {
      const { summary } = await auditJson(
        '--base-dn',
        userDn(lab, seeded.find(({ code }) => code === 'digest-shared')?.name ?? ''),
      );
      assert.deepEqual(summary.findings, { 'digest-shared': 1 });
    });

    it('calls a bare machine gone without a global catalog only where the forest has no other domain', async () => {
      const proxy = await lossyProxy(lab.ip);
      const partition = `CN=OTHER,CN=Partitions,CN=Configuration,${lab.baseDn}`;
      // Samba wants it to name an object that is there, whatever that is.
      const other = ['objectClass: crossRef', `nCName: OU=MQ,${lab.baseDn}`, 'nETBIOSName: OTHER'];
      const more = ['dnsRoot: other.example', 'systemFlags: 3'];
      const auditWithoutCatalog = async () =>
        await auditJson('--directory', proxy.url, '--filter', `(sAMAccountName=${nameOf(43)})`);
      try {
        await writePair(lab, nameOf(43), pairOf([certificate({ commonName: '[CORP/x, PC-NOWHERE]' })]));
        const alone = await auditWithoutCatalog();
        assert.deepEqual(alone.summary.findings, { 'machine-gone': 1 });
        assert.deepEqual(alone.notes, []);

        await ldapModify(lab, `dn: ${partition}\nchangetype: add\n${[...other, ...more].join('\n')}\n`);
        const oneOfTwo = await auditWithoutCatalog();
        assert.deepEqual(oneOfTwo.summary.findings, {});
        assert.match(oneOfTwo.notes.join(), /no global catalog was reachable/);
      } finally {
        await ldapModify(lab, `dn: ${partition}\nchangetype: delete\n`).catch(() => {});
        await resetUser(lab, nameOf(43));
        await proxy.close();
      }
    });

    it('audits named users, and says which name is nobody', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'msmq-cert-'));
      try {
        writeFileSync(join(folder, 'names'), `${nameOf(2)}\nnobody-at-all\n`);
        const { users, errors } = await auditJson('--users-from', join(folder, 'names'));
        assert.deepEqual(
          users.map(({ user }) => user),
          [`CORP\\${nameOf(2)}`],
        );
        assert.deepEqual(
          errors.map(({ user, code }) => [user, code]),
          [['nobody-at-all', 'user-not-found']],
        );
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    it('refuses a filter that is none', async () => {
      const { code, stderr } = await runMsmqCert(['audit', ...reaching(lab), '--filter', '((nonsense']);
      assert.equal(code, 2);
      assert.match(stderr, /error\[usage\].*nonsense/);
    });
  });

  it('lists the bytes that a single read gives, more digests than one answer holds among them', async () => {
    const many = Array.from({ length: 1600 }, (_, index) => Buffer.from(index.toString(16).padStart(32, '0'), 'hex'));
    await writePair(lab, nameOf(50), { blob: Buffer.alloc(1_000_000, 0x41), digests: many });
    const directory = await connect('administrator');
    for (const { user, pair } of await readEverything(directory)) {
      const single = await directory.read(user);
      const sorted = (digests: Uint8Array[]) => digests.map((each) => Buffer.from(each).toString('hex')).sort();
      assert.deepEqual(pair.blob, single.blob, user.account);
      assert.deepEqual(sorted(pair.digests), sorted(single.digests), user.account);
      if (user.account === `CORP\\${nameOf(50)}`) assert.equal(pair.digests.length, 1600);
    }
    await writePair(lab, nameOf(50), { blob: null, digests: [] });
  });
});
