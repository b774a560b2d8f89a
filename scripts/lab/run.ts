import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { LabError } from './lab.ts';

const execFileAsync = promisify(execFile);

/** The system's own tools, whatever else the caller has in front of them. */
export const systemPath = '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin';

export interface RunOptions {
  /** Words in front of the command that take it somewhere else, such as a network namespace. */
  prefix?: readonly string[];
  /** Goes to the command's standard input: the way for secrets, which must not be arguments. */
  input?: string;
  signal?: AbortSignal;
  env?: Record<string, string>;
}

/**
 * Runs a command to its end and returns what it printed.
 * @throws LabError with the last lines of its output when it fails
 */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const [program = '', ...args] = [...(options.prefix ?? []), ...command];
  const running = execFileAsync(program, args, {
    env: { ...process.env, PATH: systemPath, ...options.env },
    signal: options.signal,
    maxBuffer: 64 * 1024 * 1024,
  });
  // A command that fails early closes its input: its exit tells the story, not the broken pipe.
  running.child.stdin?.on('error', () => {});
  running.child.stdin?.end(options.input ?? '');
  try {
    const { stdout } = await running;
    return stdout;
  } catch (error) {
    throw new LabError(`${describe(command)} failed: ${lastWords(error)}`, { cause: error });
  }
}

/** The program and its first words, without options. */
function describe(command: readonly string[]): string {
  const words = command.slice(0, 3).filter((word) => !word.startsWith('-'));
  return words.join(' ');
}

function lastWords(error: unknown): string {
  const printed = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  if (printed !== '') return printed.split('\n').slice(-8).join('\n');
  return error instanceof Error ? error.message : String(error);
}

/** Asks again and again until `attempt` succeeds; the last failure is the one reported when the time is up. */
export async function retryUntil<T>(
  deadlineSeconds: number,
  signal: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + deadlineSeconds * 1000;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
