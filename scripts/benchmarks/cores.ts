import { readdir, readFile } from 'node:fs/promises';

const SAMPLE_MS = 200;
/** Of a second, in /proc (proc(5), stat): 100 on every Linux that is in use. */
const TICKS = 100;

interface Process {
  pid: number;
  parent: number;
  /** In seconds. */
  used: number;
  words: string;
}

/**
 * Notes how long groups of processes have a core, also of those that end in between but for their last moments.
 * @param groups by a text that the words of their first process hold, words separated by NUL
 */
export function watchCores<G extends string>(groups: Record<G, string>): { stop(): Promise<Record<G, number>> } {
  const names = Object.keys(groups) as G[];
  const seen = new Map<string, { group: G; first: number; last: number }>();
  let isOver = false;
  const watched = (async () => {
    for (let isFirst = true; !isOver; isFirst = false) {
      const all = await processes();
      for (const group of names) {
        for (const { pid, used } of below(all, groups[group])) {
          const key = `${group} ${pid}`;
          // who begins later has used nothing before
          seen.set(key, { group, first: seen.get(key)?.first ?? (isFirst ? used : 0), last: used });
        }
      }
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    }
  })();
  return {
    async stop() {
      isOver = true;
      await watched;
      const used = (group: G) =>
        [...seen.values()].reduce((sum, each) => (each.group === group ? sum + each.last - each.first : sum), 0);
      return Object.fromEntries(names.map((group) => [group, used(group)])) as Record<G, number>;
    },
  };
}

function below(all: readonly Process[], text: string): Process[] {
  const pids = new Set(all.filter(({ words }) => words.includes(text)).map(({ pid }) => pid));
  for (let size = -1; size !== pids.size; ) {
    size = pids.size;
    for (const { pid, parent } of all) if (pids.has(parent)) pids.add(pid);
  }
  return all.filter(({ pid }) => pids.has(pid));
}

async function processes(): Promise<Process[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => Number.isInteger(pid));
  const all = await Promise.all(pids.map((pid) => processOf(pid).catch(() => null)));
  return all.flatMap((each) => each ?? []);
}

async function processOf(pid: number): Promise<Process> {
  const [stat, words] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8'),
    readFile(`/proc/${pid}/cmdline`, 'utf8'),
  ]);
  // the name before it may hold anything, brackets too
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { pid, parent: Number(fields[1]), used: (Number(fields[11]) + Number(fields[12])) / TICKS, words };
}
