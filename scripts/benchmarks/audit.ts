import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ldapModify, userDn } from '../../test/active-directory/lab.ts';
import type { Lab } from '../lab/lab.ts';
import { peakOf, runToFile, summaryIn } from './audit-run.ts';
import { pairMaker } from './audit-users.ts';
import type { Benchmark } from './benchmark.ts';
import { withLab } from './lab.ts';
import { inTurns, median, timesAsLong } from './turns.ts';

const USERS = 1000;
const CERTIFICATES = 50;
const USERS_PER_WRITE = 50;
const ROUNDS = 5;
const ATTRIBUTES = ['sAMAccountName', 'objectSid', 'objectGUID', 'adminCount', 'mSMQSignCertificates', 'mSMQDigests'];

export const auditBenchmark: Benchmark = {
  name: 'audit',
  what: 'audit of 1,000 users of 50 certificates each, to ldapsearch fetching the same attributes',
  target: { at: 'most', value: 2, unit: 'times' },
  measure: () => withLab(['--users', String(USERS)], inFolder),
};

async function inFolder(lab: Lab) {
  const folder = await mkdtemp(join(tmpdir(), 'msmq-cert-bench-'));
  try {
    return await measure(lab, join(folder, 'audit.json'), join(folder, 'ldapsearch.ldif'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function measure(lab: Lab, audited: string, fetched: string) {
  await fill(lab);
  const { bind, passwordFile } = lab.accounts.administrator;
  const words = ['--directory', lab.url, '--ca-file', lab.caFile, '--bind', bind, '--password-file', passwordFile];
  const peaks: number[] = [];
  const audit = async () => peaks.push(await peakOf(['audit', ...words], audited));
  const turns = await inTurns(ROUNDS, audit, () => fetchAll(lab, fetched));
  const { certificates, bytes } = await summaryIn(audited);
  if (certificates !== USERS * CERTIFICATES) throw new Error('the audit did not see every certificate');
  return {
    measured: timesAsLong(turns),
    details: {
      certificates,
      blobBytes: bytes,
      auditMs: median(turns.ours),
      ldapsearchMs: median(turns.reference),
      peakMb: Math.max(...peaks),
    },
  };
}

async function fill(lab: Lab): Promise<void> {
  const pairOf = await pairMaker(CERTIFICATES);
  for (let first = 0; first < USERS; first += USERS_PER_WRITE) {
    const records = Array.from({ length: USERS_PER_WRITE }, (_, index) => {
      const name = `user${String(first + index + 1).padStart(4, '0')}`;
      const { blob, digests } = pairOf(first + index);
      return [
        `dn: ${userDn(lab, name)}`,
        'changetype: modify',
        'add: mSMQSignCertificates',
        `mSMQSignCertificates:: ${blob.toString('base64')}`,
        '-',
        'add: mSMQDigests',
        ...digests.map((digest) => `mSMQDigests:: ${digest.toString('base64')}`),
        '-',
        '',
      ].join('\n');
    });
    await ldapModify(lab, records.join('\n'));
  }
}

async function fetchAll(lab: Lab, output: string): Promise<void> {
  const { bind, passwordFile } = lab.accounts.administrator;
  const connection = ['-x', '-H', lab.url, '-D', bind, '-y', passwordFile, '-LLL', '-E', 'pr=1000/noprompt'];
  const search = ['-b', lab.baseDn, '(&(objectClass=user)(!(objectClass=computer)))', ...ATTRIBUTES];
  const trust = { LDAPTLS_REQCERT: 'demand', LDAPTLS_CACERT: lab.caFile };
  await runToFile('ldapsearch', [...connection, ...search], output, { ...process.env, ...trust });
}
