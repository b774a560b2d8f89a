import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const builtCommand = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
/** Prints the most memory the process had, in kilobytes, as it ends. */
const tellPeak = `data:text/javascript,process.on('exit',()=>console.error('peak',process.resourceUsage().maxRSS))`;

/** Runs the built command, and says how much memory it took at most. */
export async function peakOfRun(words: string[], exitCode = 0): Promise<{ peakMb: number; stdout: string }> {
  const child = spawn(process.execPath, ['--import', tellPeak, builtCommand, ...words]);
  const [closed, stdout, stderr] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]);
  const peak = /^peak (\d+)$/m.exec(stderr)?.[1];
  if (closed[0] !== exitCode || peak === undefined)
    throw new Error(`msmq-cert ended with ${closed[0]}: ${stderr.slice(0, 2000)}`);
  return { peakMb: Number(peak) / 1024, stdout };
}
