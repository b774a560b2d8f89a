import { type ChildProcess, spawn } from 'node:child_process';
import { setImmediate as pollOnce } from 'node:timers/promises';

/** How a command of the user ended. `status` is in words: `exit code 3`, `timed out after 30 s`. */
export interface Ended {
  outcome: 'done' | 'failed';
  status: string;
  /** What it printed until it ended, cut. */
  output: string;
}

/** A command line for the shell of the system, and what it is given. */
export interface ShellCommand {
  command: string;
  timeoutMs: number;
  /** On top of the environment of this process; the bind password is not handed on. */
  variables: Readonly<Record<string, string>>;
  /** What it reads on standard input; null for nothing. */
  input: string | null;
  /** Characters of its output that are kept. */
  keeps: number;
}

/**
 * Runs a command of the user. It is over when the command has ended, whatever it has left in the background; one that
 * takes too long is ended with everything it started.
 */
export async function runShellCommand({ command, timeoutMs, variables, input, keeps }: ShellCommand): Promise<Ended> {
  const { MSMQ_CERT_PASSWORD: _secret, ...environment } = process.env;
  const child = spawn(command, {
    shell: true,
    stdio: [input === null ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    env: { ...environment, ...variables },
  });
  // one that ends before it has read everything says so by how it ends
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  const said = collect(child, keeps);
  const ended = await endOf(child, timeoutMs);
  // what it has written before its end is in the pipes by now: one round of the event loop reads it
  await pollOnce();
  await pollOnce();
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
  return { ...ended, output: said() };
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

function endOf(child: ChildProcess, timeoutMs: number): Promise<Omit<Ended, 'output'>> {
  return new Promise((resolve) => {
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      endGroup(child.pid);
    }, timeoutMs);
    const end = (outcome: Ended['outcome'], status: string) => {
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

/** The shell and what it started. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // It ended in the same moment.
  }
}
