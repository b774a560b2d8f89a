import { spawn } from 'node:child_process';
import type { ItemResult, UserResult } from '../plan/results.ts';

/** How a deploy hook ended. `status` is in words: `exit code 3`, `timed out after 30 s`. */
export interface HookOutcome {
  outcome: 'done' | 'failed';
  status: string;
  /** What it printed, cut after 16 KiB. */
  output: string;
}

const KEPT_OUTPUT_BYTES = 16 * 1024;

/**
 * Runs a command of the user after a certificate was registered, once for each. It gets what it needs in its environment:
 * MSMQ_CERT_USER, MSMQ_CERT_DN, MSMQ_CERT_MACHINE, MSMQ_CERT_DIGEST, MSMQ_CERT_IDENTIFIER, MSMQ_CERT_REPLACED_DIGEST,
 * MSMQ_CERT_PFX, MSMQ_CERT_CERTIFICATE and MSMQ_CERT_PASSPHRASE_FILE; what does not apply is empty. The bind password is
 * not handed on.
 */
export async function runDeployHook(
  command: string,
  { user }: UserResult,
  item: ItemResult,
  timeoutMs: number,
): Promise<HookOutcome> {
  const { MSMQ_CERT_PASSWORD: _secret, ...environment } = process.env;
  const child = spawn(command, {
    shell: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    env: {
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
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(0, KEPT_OUTPUT_BYTES);
    });
  }
  return await new Promise((resolve) => {
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      endGroup(child.pid);
    }, timeoutMs);
    const end = (outcome: HookOutcome['outcome'], status: string) => {
      clearTimeout(timer);
      resolve({ outcome, status, output });
    };
    child.on('error', (error) => end('failed', error.message));
    child.on('close', (code, signal) => {
      if (timedOut) end('failed', `timed out after ${timeoutMs / 1000} s`);
      else if (code === 0) end('done', 'exit code 0');
      else end('failed', code === null ? `ended by ${signal}` : `exit code ${code}`);
    });
  });
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
