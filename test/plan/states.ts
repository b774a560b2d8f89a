import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { type DecodedEntry, encode } from '../../src/blob/codec.ts';
import { md5, toHex } from '../../src/blob/digest.ts';
import type { CertificateFacts } from '../../src/certificate/x509/describe.ts';
import type { User } from '../../src/directory/directory.ts';
import { noComputers } from '../../src/judge/recognise.ts';
import type { Criteria, DecodedState, Registered } from '../../src/judge/state.ts';
import type { UserPlan } from '../../src/plan/plan.ts';

export const alice: User = {
  account: 'CORP\\alice',
  dn: 'CN=Alice,OU=MQ,DC=corp,DC=example',
  sid: 'S-1-5-21-1-2-3-1104',
  guid: null,
  protected: false,
};

export const now = new Date('2026-06-01T00:00:00Z');

/** How a state is judged where nothing depends on it. */
export const criteria: Criteria = {
  now,
  expiringWithinMs: 0,
  maxCertificates: 820,
  subjects: [],
  stated: new Map(),
  computers: noComputers,
};

/** What the planner looks at, without the cost of real certificates. */
export interface Sketch {
  machine: string | null;
  findings: Registered['findings'];
  /** Days from now until the certificate ends. */
  daysLeft: number;
  /** Of another maker. */
  isForeign?: boolean;
}

export function sound(machine: string | null, daysLeft = 1000): Sketch {
  return { machine, findings: [], daysLeft };
}

export function stateOf(sketches: readonly Sketch[], user = alice): DecodedState {
  const entries = sketches.map(registeredOf);
  return {
    kind: 'decoded',
    user,
    pair: { blob: encode(entries.map(({ entry }) => entry)), digests: entries.map(({ entry }) => entry.digest) },
    entries,
    orphanDigests: [],
    findings: [],
  };
}

function registeredOf(sketch: Sketch, index: number): Registered {
  const certificate = Buffer.concat([Buffer.from([0x30, 16]), createHash('md5').update(`${index}`).digest()]);
  const entry: DecodedEntry = { offset: 0, digest: md5(certificate), identifier: Buffer.alloc(16, index), certificate };
  const { machine, findings } = sketch;
  const account = machine === null ? null : alice.account;
  return {
    entry,
    digest: toHex(entry.digest),
    md5: toHex(entry.digest),
    account,
    machine,
    recognisedBy: machine === null ? null : 'subject',
    candidates: [],
    isOwnMake: sketch.isForeign !== true,
    facts: factsOf(sketch),
    findings,
  };
}

function factsOf({ findings, daysLeft }: Sketch): CertificateFacts {
  if (findings.includes('not-a-certificate')) return { kind: 'not-a-certificate', reason: 'a sketch' };
  const notAfter = new Date(now.getTime() + daysLeft * 86_400_000);
  return {
    kind: 'certificate',
    subject: [],
    issuer: [],
    serialNumber: '01',
    notBefore: new Date('2025-01-01T00:00:00Z'),
    notAfter,
    keyAlgorithm: 'rsa',
    keyBits: 2048,
    signatureAlgorithm: 'sha256WithRSAEncryption',
  };
}

export const machineNames = ['PC-1', 'pc-1.corp.example', 'PC-2', 'PC-3', 'srv.corp.example', 'srv.other.example'];

export function arbitrarySketch(): fc.Arbitrary<Sketch> {
  return fc
    .record({
      machine: fc.option(fc.constantFrom(...machineNames), { freq: 5 }),
      daysLeft: fc.integer({ min: -400, max: 3000 }),
      broken: fc.option(fc.constantFrom('digest-mismatch' as const, 'digest-missing' as const, 'not-rsa' as const)),
    })
    .map(({ machine, daysLeft, broken }) => ({
      machine,
      daysLeft,
      findings: [...(broken === null ? [] : [broken]), ...(daysLeft < 0 ? ['expired' as const] : [])],
    }));
}

/** The state after a plan, with every new certificate sound. */
export function stateAfter(plan: UserPlan, before: DecodedState): DecodedState {
  const sketches = plan.items.flatMap((item): Sketch[] => {
    if (item.action === 'delete') return [];
    if (item.action === 'add') return [sound(item.addition.machine)];
    const { machine, findings, facts } = item.registered;
    const left = facts.kind === 'certificate' ? facts.notAfter.getTime() - now.getTime() : 0;
    return [{ machine, findings, daysLeft: left / 86_400_000 }];
  });
  return stateOf(sketches, before.user);
}
