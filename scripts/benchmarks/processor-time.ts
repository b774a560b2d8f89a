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

/** The processes that were started with a word in their command line, and all below them. */
export async function processesOf(word: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const known = await Promise.all(
    pids.map(async (pid) => ({ pid, words: await wordsOf(pid), parent: Number((await fieldsOf(pid))?.[PARENT]) })),
  );
  const found = new Set(known.filter(({ words }) => words.includes(word)).map(({ pid }) => pid));
  found.delete(process.pid);
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const { pid, parent } of known) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

async function wordsOf(pid: number): Promise<string> {
  return await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
}

async function fieldsOf(pid: number): Promise<string[] | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => null);
  return stat === null ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
