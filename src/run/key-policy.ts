import type { KeyHandover } from '../certificate/key-files/custody.ts';
import { passphraseFrom } from '../certificate/key-files/key-files.ts';
import { recipientFrom } from '../certificate/sealing/recipient.ts';
import { DEFAULT_SUBJECT, parseSubjectTemplate } from '../certificate/subject.ts';
import { checkOwn } from '../files/own-folder.ts';
import type { HandoverRecord, KeySettingsRecord } from '../plan/request.ts';
import type { KeyPolicy } from './keys.ts';

const DAY_MS = 86_400_000;
const YEAR_MS = 365.25 * DAY_MS;

/** That of a deploy hook or a key sink. */
export const DEFAULT_TIMEOUT_MS = 60_000;

/** How new keys are made when nothing else is said: RSA-2048, SHA-256, eight years, a random passphrase each. */
export const DEFAULT_KEYS: Omit<KeyPolicy, 'out'> = {
  keySize: 2048,
  hash: 'sha256',
  validForMs: 8 * YEAR_MS,
  subject: parseSubjectTemplate(DEFAULT_SUBJECT),
  encryption: 'TripleDES_SHA1',
  passphrase: null,
  maxAgeMs: DAY_MS,
};

/**
 * How new keys are made, as journals and plan files hold it: `resumeWithin` is how old one may be that an earlier process
 * of the run left.
 * @throws MsmqCertError file-unreadable, and what recipientFrom refuses: a recipient may have expired since
 */
export async function keyPolicy(
  keys: KeySettingsRecord,
  { resumeWithin, hookTimeout = DEFAULT_TIMEOUT_MS }: { resumeWithin: number; hookTimeout?: number | undefined },
): Promise<KeyPolicy> {
  return {
    out: keys.out,
    keySize: keys.keySize,
    hash: keys.hash,
    validForMs: keys.validFor,
    subject: parseSubjectTemplate(keys.subjects[0] ?? DEFAULT_SUBJECT),
    encryption: keys.pfxEncryption,
    passphrase: keys.passphraseFile === null ? null : await passphraseFrom(keys.passphraseFile),
    handover: await keyHandover(keys.handover, hookTimeout),
    maxAgeMs: resumeWithin,
  };
}

async function keyHandover(record: HandoverRecord | undefined, timeoutMs: number): Promise<KeyHandover> {
  switch (record?.kind) {
    case undefined:
      return { kind: 'files' };
    case 'sink':
      return { kind: 'sink', sink: { command: record.command, timeoutMs } };
    case 'sealed': {
      const recipient = await recipientFrom(Buffer.from(record.certificate, 'base64'), record.file, new Date());
      return { kind: 'sealed', recipient, padding: record.padding };
    }
  }
}

/**
 * The settings of a plan file, where nothing else is given. A plan that names a command to run must be its owner's.
 * @throws MsmqCertError untrusted-path
 */
export async function plannedKeys(
  file: string,
  planned: KeySettingsRecord,
  given: Partial<KeySettingsRecord>,
): Promise<KeySettingsRecord> {
  if (planned.handover?.kind === 'sink' && !('handover' in given)) await checkOwn(file);
  return { ...planned, ...given };
}
