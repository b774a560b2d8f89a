import { passphraseFrom } from '../../certificate/key-files/key-files.ts';
import { DEFAULT_SUBJECT, parseSubjectTemplate, type SubjectTemplate } from '../../certificate/subject.ts';
import type { Criteria } from '../../judge/state.ts';
import type { KeySettingsRecord } from '../../plan/request.ts';
import type { KeyPolicy } from '../../run/keys.ts';
import type { DirectorySettings, KeySettings } from '../settings.ts';

const EXPIRING_WITHIN_MS = 30 * 24 * 60 * 60 * 1000;

/** How the state of a user is judged, today. */
export function criteria({
  subject,
  maxCertificates,
}: Pick<DirectorySettings, 'subject' | 'maxCertificates'>): Criteria {
  return {
    now: new Date(),
    expiringWithinMs: EXPIRING_WITHIN_MS,
    maxCertificates,
    subjects: [...new Set([subject ?? DEFAULT_SUBJECT, DEFAULT_SUBJECT])].map(parseSubjectTemplate),
  };
}

/** How the keys of a run are made, as journals and plan files hold it. */
export function keySettingsRecord(settings: KeySettings): KeySettingsRecord {
  return {
    out: settings.out,
    keySize: settings.keySize,
    hash: settings.hash,
    validFor: settings.validFor,
    subject: settings.subject ?? null,
    pfxEncryption: settings.pfxEncryption,
    passphraseFile: settings.passphraseFile ?? null,
    maxCertificates: settings.maxCertificates,
  };
}

export async function keyPolicy(keys: KeySettingsRecord): Promise<KeyPolicy> {
  return {
    out: keys.out,
    keySize: keys.keySize,
    hash: keys.hash,
    validForMs: keys.validFor,
    subject: subjectOf(keys.subject ?? undefined),
    encryption: keys.pfxEncryption,
    passphrase: keys.passphraseFile === null ? null : await passphraseFrom(keys.passphraseFile),
  };
}

function subjectOf(subject: string | undefined): SubjectTemplate {
  return parseSubjectTemplate(subject ?? DEFAULT_SUBJECT);
}
