import { readRecipient } from '../../certificate/sealing/recipient.ts';
import { MsmqCertError } from '../../errors.ts';
import type { KeySettingsRecord } from '../../plan/request.ts';
import type { HandoverSettings } from '../settings.ts';

/**
 * What is to become of new keys, as journals and plan files hold it; nothing of it means key files.
 * @throws MsmqCertError usage, and what readRecipient refuses
 */
export async function handoverRecord(settings: HandoverSettings): Promise<Pick<KeySettingsRecord, 'handover'>> {
  const { sealTo, sealPadding, keySink } = settings;
  if (sealTo !== undefined && keySink !== undefined) {
    throw new MsmqCertError('usage', `--seal-to ${sealTo} and --key-sink are given both`, {
      hint: 'give one of them: a key sink gets the key itself, and seals it if it wants to',
    });
  }
  if (sealPadding !== undefined && sealTo === undefined) {
    throw new MsmqCertError('usage', `--seal-padding ${sealPadding} is given without a recipient`, {
      hint: 'name the recipient with --seal-to',
    });
  }
  if (keySink !== undefined) return { handover: { kind: 'sink', command: givenCommand(keySink) } };
  if (sealTo === undefined) return {};
  const { certificate } = await readRecipient(sealTo, new Date());
  const padding = sealPadding ?? 'oaep';
  return { handover: { kind: 'sealed', file: sealTo, certificate: certificate.toString('base64'), padding } };
}

function givenCommand(command: string): string {
  if (command.trim() !== '') return command;
  throw new MsmqCertError('usage', `the command of --key-sink is empty: '${command}'`, {
    hint: 'give the command that is to take the keys on standard input',
  });
}
