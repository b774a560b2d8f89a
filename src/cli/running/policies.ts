import type { KeySettingsRecord } from '../../plan/request.ts';
import { statedRecognition } from '../recognition.ts';
import type { KeySettings } from '../settings.ts';
import { handoverRecord } from './handover.ts';

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
