import type { User } from '../directory/directory.ts';
import type { ItemResult } from '../plan/results.ts';
import { runShellCommand } from './shell-command.ts';

/** The command of a user that delivers a certificate. */
export interface DeployHook {
  command: string;
  timeoutMs: number;
}

/** How a deploy hook ended. `status` is in words: `exit code 3`, `timed out after 30 s`. */
export interface HookOutcome {
  outcome: 'done' | 'failed';
  status: string;
  /** What it printed until it ended, cut after 16 Ki characters, without the secrets. */
  output: string;
}

const KEPT_CHARACTERS = 16 * 1024;
const MASK = '***';

/**
 * Runs a command of the user after a certificate was registered, once for each. It gets what it needs in its environment:
 * MSMQ_CERT_USER, MSMQ_CERT_DN, MSMQ_CERT_MACHINE, MSMQ_CERT_DIGEST, MSMQ_CERT_IDENTIFIER, MSMQ_CERT_REPLACED_DIGEST,
 * MSMQ_CERT_PFX, MSMQ_CERT_CERTIFICATE and MSMQ_CERT_PASSPHRASE_FILE; what does not apply is empty, as the key files are where a key sink has the key. The bind password is
 * not handed on. It is over when the command has ended, whatever it has left in the background; one that takes too long
 * is ended with everything it started.
 * @param secrets what must not be in the output
 */
export async function runDeployHook(
  { command, timeoutMs }: DeployHook,
  user: User,
  item: ItemResult,
  secrets: readonly string[],
): Promise<HookOutcome> {
  const longest = Math.max(0, ...secrets.map((secret) => secret.length));
  const variables = variablesFor(user, item);
  const keeps = KEPT_CHARACTERS + longest;
  const ended = await runShellCommand({ command, timeoutMs, variables, input: null, keeps });
  return { ...ended, output: withoutSecrets(ended.output, secrets, longest) };
}

function variablesFor(user: User, item: ItemResult): Record<string, string> {
  return {
    MSMQ_CERT_USER: user.account,
    MSMQ_CERT_DN: user.dn,
    MSMQ_CERT_MACHINE: item.machine ?? '',
    MSMQ_CERT_DIGEST: item.digest ?? '',
    MSMQ_CERT_IDENTIFIER: item.identifier ?? '',
    MSMQ_CERT_REPLACED_DIGEST: item.replacedDigest ?? '',
    MSMQ_CERT_PFX: item.files?.pfx ?? '',
    MSMQ_CERT_CERTIFICATE: item.files?.certificate ?? '',
    MSMQ_CERT_PASSPHRASE_FILE: item.files?.passphrase ?? '',
  };
}

/** A secret that the cut has torn could not be recognised, so as much as it may have left is dropped. */
function withoutSecrets(text: string, secrets: readonly string[], longest: number): string {
  const isCut = text.length >= KEPT_CHARACTERS + longest;
  const masked = secrets.reduce((rest, secret) => (secret === '' ? rest : rest.replaceAll(secret, MASK)), text);
  return (isCut ? masked.slice(0, masked.length - longest) : masked).slice(0, KEPT_CHARACTERS);
}
