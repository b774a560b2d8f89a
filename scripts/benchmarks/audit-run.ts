import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const builtCommand = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
/** Prints the most memory the process had, in kilobytes, as it ends. */
const tellPeak =
  "data:text/javascript,process.on('exit',()=>process.stderr.write('\\npeak '+process.resourceUsage().maxRSS))";

export interface AuditRun {
  peakMb: number;
  summary: { users: number; certificates: number; bytes: number };
}

/** Runs the built command with --json output, and says what it counted and how much memory it took at most. */
export async function runCommand(words: string[]): Promise<AuditRun> {
  const child = spawn(process.execPath, ['--import', tellPeak, builtCommand, ...words, '--no-progress']);
  const [closed, stdout, stderr] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]);
  const peak = /\npeak (\d+)$/.exec(stderr)?.[1];
  if (closed[0] !== 0 || peak === undefined) throw new Error(`msmq-cert ended with ${closed[0]}: ${stderr}`);
  return { peakMb: Number(peak) / 1024, summary: JSON.parse(stdout).summary };
}
