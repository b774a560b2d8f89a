import type { AuditReport, CertificateJson, ReportedUser } from '../../src/inspect/audit/report.ts';

/** A report of these users, with everything else made to agree with them. */
export function reportOf(users: ReportedUser[], rest: Partial<AuditReport> = {}): AuditReport {
  const certificates = users.flatMap((each) => each.certificates);
  const codes = [...users, ...certificates].flatMap((each) => each.findings);
  const months = certificates.flatMap(({ notAfter }) => (notAfter === null ? [] : [notAfter.slice(0, 7)]));
  return {
    generatedAt: '2027-03-15T09:30:00.000Z',
    origin: {
      directory: 'ldaps://dc1.corp.example',
      baseDn: 'DC=corp,DC=example',
      account: 'CORP\\auditor',
      scope: 'every user',
      toolVersion: '1.2.3',
      usersRead: users.length,
    },
    criteria: {
      maxCertificates: 820,
      maxBlobBytes: 1_048_576,
      expiringWithinMs: 30 * 86_400_000,
      machineInactiveMs: 90 * 86_400_000,
    },
    summary: {
      users: users.length,
      certificates: certificates.length,
      bytes: users.reduce((sum, { blobBytes }) => sum + blobBytes, 0),
      findings: tally(codes),
    },
    notes: [],
    users,
    errors: [],
    expiryByMonth: Object.entries(tally(months.toSorted())).map(([month, count]) => ({ month, count })),
    ...rest,
  };
}

function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

export function userNamed(
  name: string,
  certificates: CertificateJson[] = [],
  rest: Partial<ReportedUser> = {},
): ReportedUser {
  return {
    user: `CORP\\${name}`,
    dn: `CN=${name},OU=Staff,DC=corp,DC=example`,
    sid: 'S-1-5-21-1004336348-1177238915-682003330-1104',
    blobBytes: 4 + certificates.reduce((sum, { bytes }) => sum + 36 + bytes, 0),
    certificates,
    orphanDigests: [],
    findings: [],
    remedies: [],
    ...rest,
  };
}

export function certificateFor(machine: string, rest: Partial<CertificateJson> = {}): CertificateJson {
  const subject = `CN=${machine},O=CORP`;
  return {
    digest: hexOf(machine, 32),
    identifier: `${hexOf(machine, 8)}-5b1e-4c0a-9d3e-000000000000`,
    account: null,
    machine,
    subject,
    issuer: subject,
    serialNumber: hexOf(machine, 16),
    notBefore: '2024-05-06T07:08:09.000Z',
    notAfter: '2032-05-06T07:08:09.000Z',
    keyBits: 2048,
    signatureAlgorithm: 'sha256WithRSAEncryption',
    bytes: 770,
    findings: [],
    ...rest,
  };
}

/** Digits that only look random, the same for the same seed. */
function hexOf(seed: string, length: number): string {
  return Buffer.from(seed).toString('hex').padEnd(length, '0').slice(-length);
}

/** As many users as wanted: most with few certificates, some with very many, and with many kinds of findings. */
export function manyUsers(count: number): ReportedUser[] {
  const random = generator(4711);
  return Array.from({ length: count }, (_, index) => {
    const held = index % 1_500 === 7 ? 120 + Math.floor(random() * 690) : 1 + Math.floor(random() ** 3 * 14);
    const certificates = Array.from({ length: held }, (_, nth) => typicalCertificate(index, nth, random));
    const findings = [];
    if (held >= 738) findings.push('near-capacity');
    if (random() < 0.01) findings.push('protected-account');
    return userNamed(`user${index}`, certificates, { findings });
  });
}

function typicalCertificate(user: number, nth: number, random: () => number): CertificateJson {
  const month = new Date(Date.UTC(2027, 6 - Math.floor(random() ** 2 * 118), 2, 6)).toISOString();
  const end = `${Number(month.slice(0, 4)) + 8}${month.slice(4)}`;
  const weak = random() < 0.03;
  const findings = [];
  if (end < '2027-03-15') findings.push('expired');
  if (weak) findings.push('weak-key');
  if (nth > 0 && random() < 0.08) findings.push('superseded');
  if (random() < 0.006) findings.push('digest-missing');
  if (random() < 0.02) findings.push('machine-gone');
  return certificateFor(`PC-${String(user).padStart(5, '0')}-${nth}`, {
    account: `CORP\\user${user}`,
    notBefore: month,
    notAfter: end,
    keyBits: weak ? 1024 : 2048,
    findings,
  });
}

/** Numbers from 0 up to 1 that are the same in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

/** A few users with findings of every sort: on certificates and on users, with a command and without. */
export const few = reportOf(
  [
    userNamed(
      'ann',
      [
        certificateFor('PC-1', { notAfter: '2027-04-01T00:00:00.000Z', findings: ['expiring'] }),
        certificateFor('PC-2', { findings: ['weak-key'] }),
        certificateFor('PC-3', { findings: ['weak-key'] }),
      ],
      {
        remedies: [
          { kind: 'run', command: 'msmq-cert renew ann --overlap', findings: ['expiring'] },
          { kind: 'run', command: 'msmq-cert replace ann --overlap', findings: ['weak-key'] },
        ],
      },
    ),
    userNamed('bob', [certificateFor('PC-10', { notAfter: '2027-03-01T00:00:00.000Z', findings: ['expired'] })], {
      findings: ['protected-account'],
      remedies: [
        { kind: 'run', command: "msmq-cert renew 'CORP\\\\bob' --broken", findings: ['expired'] },
        { kind: 'read', section: 'docs/findings.md#protected-account', findings: ['protected-account'] },
      ],
    }),
    userNamed('cleo', [certificateFor('PC-4', { findings: ['weak-key'] })], {
      orphanDigests: ['ab'.repeat(16)],
      findings: ['digest-orphan'],
      remedies: [
        { kind: 'run', command: 'msmq-cert repair cleo', findings: ['digest-orphan'] },
        { kind: 'run', command: 'msmq-cert replace cleo --overlap', findings: ['weak-key'] },
      ],
    }),
  ],
  {
    notes: ['machines are not in this file'],
    errors: [{ user: 'CORP\\dan', code: 'access-denied', message: 'CORP\\dan may not be read', hint: 'ask' }],
  },
);
