import { passphraseFrom } from '../../certificate/key-files/key-files.ts';
import { DEFAULT_SUBJECT, parseSubjectTemplate } from '../../certificate/subject.ts';
import type { RecognitionRules } from '../../judge/recognise.ts';
import type { Criteria } from '../../judge/state.ts';
import type { KeySettingsRecord } from '../../plan/request.ts';
import type { KeyPolicy } from '../../run/keys.ts';
import { statedRecognition } from '../recognition.ts';
import type { KeySettings, RunSettings } from '../settings.ts';
import { handoverRecord, keyHandover } from './handover.ts';

const EXPIRING_WITHIN_MS = 30 * 24 * 60 * 60 * 1000;

/** How the state of a user is judged, today. */
export function criteria(
  { subjects, stated, computers }: RecognitionRules,
  { maxCertificates }: { maxCertificates: number },
): Criteria {
  return { now: new Date(), expiringWithinMs: EXPIRING_WITHIN_MS, maxCertificates, subjects, stated, computers };
}

/** How the keys of a run are made and certificates recognised, as journals and plan files hold it. */
export async function keySettingsRecord(settings: KeySettings): Promise<KeySettingsRecord> {
  return {
    out: settings.out,
    keySize: settings.keySize,
    hash: settings.hash,
    validFor: settings.validFor,
    pfxEncryption: settings.pfxEncryption,
    passphraseFile: settings.passphraseFile ?? null,
    ...(await handoverRecord(settings)),
    maxCertificates: settings.maxCertificates,
    ...(await statedRecognition(settings)),
  };
}

/** That of a deploy hook or a key sink. */
export const DEFAULT_TIMEOUT_MS = 60_000;

/** How new keys are made: `resumeWithin` is how old one may be that an earlier process of the run left. */
export async function keyPolicy(
  keys: KeySettingsRecord,
  { resumeWithin, hookTimeout = DEFAULT_TIMEOUT_MS }: Pick<RunSettings, 'resumeWithin' | 'hookTimeout'>,
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
