import type { KeySink } from '../certificate/key-files/custody.ts';
import type { User } from '../directory/directory.ts';
import { MsmqCertError } from '../errors.ts';
import { runShellCommand } from './shell-command.ts';

/** A new key and whose it is. */
export interface KeyForSink {
  user: User;
  machine: string;
  /** MD5 of the certificate, 32 hex digits. */
  digest: string;
  /** DER. */
  certificate: Buffer;
  pfx: Buffer;
  passphrase: string;
}

/** What is kept of what a sink prints: only its acknowledgement is looked at. */
const KEPT_CHARACTERS = 64 * 1024;

/**
 * Hands a key to a command of the user, before anything of it is published: one JSON document on its standard input,
 * `{ schema: 1, user, dn, sid, machine, digest, certificate, pfx, passphrase }`, certificate and pfx in base64. That it has
 * the key it says by printing the digest on a line of its own and ending with 0: a command that never read its input
 * would end with 0 too. What it prints is not repeated anywhere, as it may hold the key.
 * @throws MsmqCertError key-sink-failed
 */
export async function giveToSink({ command, timeoutMs }: KeySink, key: KeyForSink): Promise<void> {
  const { user, machine, digest } = key;
  const ended = await runShellCommand({
    command,
    timeoutMs,
    variables: {
      MSMQ_CERT_USER: user.account,
      MSMQ_CERT_DN: user.dn,
      MSMQ_CERT_MACHINE: machine,
      MSMQ_CERT_DIGEST: digest,
    },
    input: documentOf(key),
    keeps: KEPT_CHARACTERS,
  });
  const what = `the key sink did not take the key ${digest} of ${user.account} on ${machine}`;
  if (ended.outcome === 'failed') {
    throw new MsmqCertError('key-sink-failed', `${what}: ${ended.status}`, {
      hint: 'nothing was registered for it; try the command by hand, or give it more time with --hook-timeout',
    });
  }
  if (ended.output.split(/\r?\n/).some((line) => line.trim() === digest)) return;
  throw new MsmqCertError('key-sink-failed', `${what}: it ended with exit code 0 and did not print the digest`, {
    hint: 'nothing was registered for it; let the command print the digest of its input on a line of its own once it has stored the key',
  });
}

function documentOf({ user, machine, digest, certificate, pfx, passphrase }: KeyForSink): string {
  const { account, dn, sid } = user;
  const bytes = { certificate: certificate.toString('base64'), pfx: pfx.toString('base64') };
  return `${JSON.stringify({ schema: 1, user: account, dn, sid, machine, digest, ...bytes, passphrase })}\n`;
}
