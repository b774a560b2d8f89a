import { type ChildProcess, spawn } from 'node:child_process';
import { setImmediate as pollOnce } from 'node:timers/promises';
import type { User } from '../directory/directory.ts';
import type { ItemResult } from '../plan/results.ts';

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
 * MSMQ_CERT_PFX, MSMQ_CERT_CERTIFICATE and MSMQ_CERT_PASSPHRASE_FILE; what does not apply is empty. The bind password is
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
  const child = spawn(command, {
    shell: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    env: environmentFor(user, item),
  });
  const longest = Math.max(0, ...secrets.map((secret) => secret.length));
  const said = collect(child, KEPT_CHARACTERS + longest);
  const ended = await endOf(child, timeoutMs);
  // what it has written before its end is in the pipes by now: one round of the event loop reads it
  await pollOnce();
  await pollOnce();
  child.stdout?.destroy();
  child.stderr?.destroy();
  return { ...ended, output: withoutSecrets(said(), secrets, longest) };
}

function environmentFor(user: User, item: ItemResult): NodeJS.ProcessEnv {
  const { MSMQ_CERT_PASSWORD: _secret, ...environment } = process.env;
  return {
    ...environment,
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

function collect(child: ChildProcess, most: number): () => string {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(0, most);
    });
  }
  return () => output;
}

function endOf(child: ChildProcess, timeoutMs: number): Promise<Omit<HookOutcome, 'output'>> {
  return new Promise((resolve) => {
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      endGroup(child.pid);
    }, timeoutMs);
    const end = (outcome: HookOutcome['outcome'], status: string) => {
      clearTimeout(timer);
      resolve({ outcome, status });
    };
    child.on('error', (error) => end('failed', error.message));
    child.on('exit', (code, signal) => {
      if (timedOut) end('failed', `timed out after ${timeoutMs / 1000} s`);
      else if (code === 0) end('done', 'exit code 0');
      else end('failed', code === null ? `ended by ${signal}` : `exit code ${code}`);
    });
  });
}

/** A secret that the cut has torn could not be recognised, so as much as it may have left is dropped. */
function withoutSecrets(text: string, secrets: readonly string[], longest: number): string {
  const isCut = text.length >= KEPT_CHARACTERS + longest;
  const masked = secrets.reduce((rest, secret) => (secret === '' ? rest : rest.replaceAll(secret, MASK)), text);
  return (isCut ? masked.slice(0, masked.length - longest) : masked).slice(0, KEPT_CHARACTERS);
}

/** The shell and what it started. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // It ended in the same moment.
  }
}
