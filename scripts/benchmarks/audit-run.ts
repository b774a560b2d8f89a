import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { AuditSummary } from '../../src/inspect/audit/report.ts';

const builtCommand = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
/** Prints the most memory the process had, in kilobytes, as it ends. */
const tellPeak =
  "data:text/javascript,process.on('exit',()=>process.stderr.write('\\npeak '+process.resourceUsage().maxRSS))";

/** Runs the built command with --json output to a file, and says how much memory it took at most. */
export async function peakOf(words: string[], output: string): Promise<number> {
  const args = ['--import', tellPeak, builtCommand, ...words, '--json', '--no-progress'];
  const stderr = await runToFile(process.execPath, args, output);
  const peak = /\npeak (\d+)$/.exec(stderr)?.[1];
  if (peak === undefined) throw new Error(`msmq-cert did not say how much memory it took: ${stderr}`);
  return Number(peak) / 1024;
}

export async function summaryIn(output: string): Promise<AuditSummary> {
  return JSON.parse(await readFile(output, 'utf8')).summary;
}

/** Runs a program whose output goes to a file: nobody who reads along takes a core from it. Returns its standard error. */
export async function runToFile(
  program: string,
  args: string[],
  output: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  await using file = await open(output, 'w');
  const child = spawn(program, args, { stdio: ['ignore', file.fd, 'pipe'], env });
  const [[code], stderr] = await Promise.all([once(child, 'close'), child.stderr === null ? '' : text(child.stderr)]);
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${stderr}`);
  return stderr;
}
