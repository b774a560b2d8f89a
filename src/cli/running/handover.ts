import type { KeyHandover } from '../../certificate/key-files/custody.ts';
import { readRecipient, recipientFrom } from '../../certificate/sealing/recipient.ts';
import { MsmqCertError } from '../../errors.ts';
import type { HandoverRecord, KeySettingsRecord } from '../../plan/request.ts';
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

/** @throws MsmqCertError what recipientFrom refuses: a recipient may have expired since */
export async function keyHandover(record: HandoverRecord | undefined, timeoutMs: number): Promise<KeyHandover> {
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

function givenCommand(command: string): string {
  if (command.trim() !== '') return command;
  throw new MsmqCertError('usage', `the command of --key-sink is empty: '${command}'`, {
    hint: 'give the command that is to take the keys on standard input',
  });
}
