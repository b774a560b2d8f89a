import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Issued, type IssueRequest, issueCertificate } from '../../src/certificate/issue.ts';
import { DEFAULT_SUBJECT, parseSubjectTemplate } from '../../src/certificate/subject.ts';
import {
  bits,
  explicit,
  identifier,
  nothing,
  positiveInteger,
  type Structure,
  sequence,
  setOf,
  smallInteger,
  time,
  toDer,
  utf8String,
} from '../../src/certificate/x509/asn1.ts';

const run = promisify(execFile);
const YEAR_MS = 365 * 86_400_000;

export function issueRequest(changes: Partial<IssueRequest> = {}): IssueRequest {
  return {
    account: 'CORP\\alice',
    machine: 'PC-1',
    subject: parseSubjectTemplate(DEFAULT_SUBJECT),
    keySize: 2048,
    hash: 'sha256',
    validForMs: 8 * YEAR_MS,
    now: new Date(),
    ...changes,
  };
}

/** One certificate and key for the tests that do not care which. */
let shared: Promise<Issued> | undefined;
export function anyIssued(): Promise<Issued> {
  shared ??= issueCertificate(issueRequest());
  return shared;
}

export async function openssl(...args: string[]): Promise<string> {
  const { stdout, stderr } = await run('openssl', args);
  return stdout + stderr;
}

export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'msmq-cert-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The parts of a certificate that nobody signed, to be exchanged one by one. */
export interface Parts {
  version: Structure[];
  serial: Structure;
  signatureAlgorithm: Structure;
  issuer: Structure;
  validity: Structure;
  subject: Structure;
  publicKey: Structure;
  rest: Structure[];
  signature: Structure;
}

const modulus = Buffer.alloc(128, 0x7f);

export function rsaKey(modulusAndExponent: Structure): Structure {
  return sequence(sequence(identifier('1.2.840.113549.1.1.1'), nothing()), bits(toDer(modulusAndExponent)));
}

export function commonName(value: Structure): Structure {
  return sequence(setOf(sequence(identifier('2.5.4.3'), value)));
}

export function validity(notBefore: Structure, notAfter: Structure): Structure {
  return sequence(notBefore, notAfter);
}

export function unsigned(changes: Partial<Parts> = {}): Buffer {
  const parts: Parts = {
    version: [explicit(0, smallInteger(2))],
    serial: smallInteger(5),
    signatureAlgorithm: sequence(identifier('1.2.840.113549.1.1.11'), nothing()),
    issuer: commonName(utf8String('issuer')),
    validity: validity(time(new Date('2020-01-01T00:00:00Z')), time(new Date('2030-01-01T00:00:00Z'))),
    subject: commonName(utf8String('subject')),
    publicKey: rsaKey(sequence(rawElement(0x02, modulus), smallInteger(65537))),
    rest: [],
    signature: bits(Buffer.alloc(128, 1)),
    ...changes,
  };
  const { version, serial, signatureAlgorithm, issuer, subject, publicKey, rest, signature } = parts;
  const body = sequence(...version, serial, signatureAlgorithm, issuer, parts.validity, subject, publicKey, ...rest);
  return toDer(sequence(body, signatureAlgorithm, signature));
}

/** What {@link seedCertificate} makes. */
export interface Seed {
  subject: string;
  notBefore: Date;
  notAfter: Date;
  /** 1 to 127: tells certificates apart that are alike otherwise. */
  serial?: number;
}

/** A certificate that nobody signed, for tests that look at no signature: it costs no key. */
export function seedCertificate({ subject, notBefore, notAfter, serial = 5 }: Seed): Buffer {
  return unsigned({
    serial: smallInteger(serial),
    subject: commonName(utf8String(subject)),
    validity: validity(time(notBefore), time(notAfter)),
    publicKey: rsaKey(sequence(positiveInteger(Buffer.alloc(256, 0xb5)), smallInteger(65537))),
  });
}

/** A primitive element of any tag and content, sound or not; a tag in the place of the class keeps node-forge from mending it. */
export function rawElement(tag: number, content: Uint8Array): Structure {
  const value = Buffer.from(content).toString('latin1');
  return { tagClass: tag, type: 0, constructed: false, composed: false, value };
}
