import type { AuditReport, CertificateJson, UserJson } from '../../src/inspect/audit/report.ts';

/** A report of these users, with everything else made to agree with them. */
export function reportOf(users: UserJson[], rest: Partial<AuditReport> = {}): AuditReport {
  const certificates = users.flatMap((each) => each.certificates);
  const codes = [...users, ...certificates].flatMap((each) => each.findings);
  const months = certificates.flatMap(({ notAfter }) => (notAfter === null ? [] : [notAfter.slice(0, 7)]));
  return {
    generatedAt: '2027-03-15T09:30:00.000Z',
    directory: 'ldaps://dc1.corp.example',
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
    certificatesPerUser: users.map((each) => ({ user: each.user, count: each.certificates.length })),
    ...rest,
  };
}

function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

export function userNamed(name: string, certificates: CertificateJson[] = [], rest: Partial<UserJson> = {}): UserJson {
  return {
    user: `CORP\\${name}`,
    dn: `CN=${name},OU=Staff,DC=corp,DC=example`,
    sid: 'S-1-5-21-1004336348-1177238915-682003330-1104',
    blobBytes: 4 + certificates.reduce((sum, { bytes }) => sum + 36 + bytes, 0),
    certificates,
    orphanDigests: [],
    findings: [],
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
export function manyUsers(count: number): UserJson[] {
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
