import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ms from 'ms';
import { DEFAULT_SUBJECT, parseSubjectTemplate } from '../../src/certificate/subject.ts';
import type { ActiveDirectory } from '../../src/directory/active-directory/active-directory.ts';
import { noJournal } from '../../src/journal/write.ts';
import { noComputers } from '../../src/judge/recognise.ts';
import { externalSource } from '../../src/plan/external.ts';
import type { Wanted } from '../../src/plan/request.ts';
import { sharedDigestGuard } from '../../src/plan/shared-digests.ts';
import { registerPlanner } from '../../src/plan/verbs/register.ts';
import { type ApplyContext, applyToUser } from '../../src/run/apply.ts';
import { resetUser } from '../../test/active-directory/lab.ts';
import { labConnections } from '../../test/active-directory/lab-connections.ts';
import type { Lab } from '../lab/lab.ts';
import type { Benchmark } from './benchmark.ts';
import { writeCertificates } from './certificate-files.ts';
import { withLab } from './lab.ts';
import { median } from './turns.ts';

const MACHINES = 800;
const ROUNDS = 5;

export const oneModifyBenchmark: Benchmark = {
  name: 'one-modify',
  what: 'registering 800 ready certificates of one user in one modify, to one modify each',
  target: { at: 'least', value: 50, unit: 'times' },
  measure: () => withLab([], measure),
};

async function measure(lab: Lab) {
  const folder = await mkdtemp(join(tmpdir(), 'msmq-cert-bench-'));
  const { connect, closeAll } = labConnections(() => lab);
  try {
    const register = registrar(await connect(), folder);
    const wants = await readyWants(folder);
    const together: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await resetUser(lab, 'bob');
      together.push(await duration(() => register(wants)));
    }
    await resetUser(lab, 'bob');
    const oneByOneMs = await duration(async () => {
      for (const want of wants) await register([want]);
    });
    const oneModifyMs = median(together);
    return { measured: oneByOneMs / oneModifyMs, details: { machines: MACHINES, oneModifyMs, oneByOneMs } };
  } finally {
    await closeAll();
    await rm(folder, { recursive: true });
  }
}

async function readyWants(folder: string): Promise<Wanted[]> {
  const files = await writeCertificates(folder, MACHINES);
  const sources = await Promise.all(files.map((file) => externalSource(file, new Date())));
  return sources.map((source, index) => ({ machine: `PC-${index}`, source, validForMs: null }));
}

function registrar(directory: ActiveDirectory, out: string) {
  const context: ApplyContext = contextOf(directory, out);
  const { signal } = new AbortController();
  return async (wants: readonly Wanted[]) => {
    const user = await directory.findUser('bob');
    const result = await applyToUser(user, registerPlanner(wants, 'if-not-exists'), context, signal);
    if (result?.outcome !== 'changed') throw new Error(`the registration ended as ${result?.outcome}`);
  };
}

function contextOf(directory: ActiveDirectory, out: string): ApplyContext {
  const subject = parseSubjectTemplate(DEFAULT_SUBJECT);
  return {
    directory,
    criteria: {
      now: new Date(),
      expiringWithinMs: ms('30d'),
      maxCertificates: 820,
      subjects: [subject],
      stated: new Map(),
      computers: noComputers,
    },
    keys: {
      out,
      keySize: 2048,
      hash: 'sha256',
      validForMs: ms('8y'),
      subject,
      encryption: 'TripleDES_SHA1',
      passphrase: null,
      maxAgeMs: 0,
    },
    journal: noJournal,
    mode: 'write',
    whenCoreIsFree: (job) => job(),
    onRetry: () => {},
    guardSharedDigests: sharedDigestGuard(directory.findByDigest),
    beforeWrite: async (plan) => plan,
  };
}

async function duration(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
