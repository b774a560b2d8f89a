import { readdir, readFile } from 'node:fs/promises';

/** Of /proc/<pid>/stat: the rest of the line behind the program's name, counted from field 3 (proc(5)). */
const PARENT = 1;
/** Own time and that of ended children, in user mode and in the kernel. */
const TIMES = [11, 12, 13, 14];
const TICKS_PER_SECOND = 100;

/** How long processes, and those of their children that have ended, have kept a core busy; what is gone counts nothing. */
export async function processorSeconds(pids: readonly number[]): Promise<number> {
  const stats = await Promise.all(pids.map(fieldsOf));
  const ticks = stats.flatMap((fields) => (fields === null ? [] : TIMES.map((field) => Number(fields[field]))));
  return ticks.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND;
}

/** A process and all below it. */
export async function familyOf(root: number): Promise<number[]> {
  const parents = await Promise.all(
    (await pids()).map(async (pid) => [pid, Number((await fieldsOf(pid))?.[PARENT])] as const),
  );
  const family = new Set([root]);
  for (let before = 0; before !== family.size; ) {
    before = family.size;
    for (const [pid, parent] of parents) if (family.has(parent)) family.add(pid);
  }
  return [...family];
}

/** The process that was started with a word in its command line. */
export async function processWith(word: string): Promise<number> {
  for (const pid of await pids()) if (pid !== process.pid && (await wordsOf(pid)).includes(word)) return pid;
  throw new Error(`no process was started with ${word}`);
}

async function pids(): Promise<number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
}

async function wordsOf(pid: number): Promise<string> {
  return await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
}

async function fieldsOf(pid: number): Promise<string[] | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => null);
  return stat === null ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
