import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface FileWrite {
  path: string;
  bytes: Buffer;
}

/** The words that start a program so that all it writes is in `trace`. */
export function tracingWrites(trace: string): string[] {
  const calls = 'trace=write,writev,pwrite64,pwritev,pwritev2';
  return ['strace', '-f', '--seccomp-bpf', '-y', '-xx', '-s', '1000000', '-e', calls, '-o', trace];
}

/** What was written to files, in this order; not what went through pipes and sockets. */
export async function fileWrites(trace: string): Promise<FileWrite[]> {
  return (await readFile(trace, 'utf8')).split('\n').flatMap(fileWrite);
}

/** All that was written to each file. */
export async function written(trace: string): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer[]>();
  for (const { path, bytes } of await fileWrites(trace)) found.set(path, [...(found.get(path) ?? []), bytes]);
  return new Map([...found].map(([path, all]) => [path, Buffer.concat(all)]));
}

/** The files in which one of these stands, as bytes or in the hexadecimal text of Wine's registry. */
export function holding(files: ReadonlyMap<string, Buffer>, wanted: readonly Buffer[]): string[] {
  const isIn = (bytes: Buffer) => {
    if (wanted.some((each) => bytes.includes(each))) return true;
    const text = bytes.toString('latin1').replaceAll(/\\\r?\n\s*|,/g, '');
    return wanted.some((each) => text.includes(each.toString('hex')));
  };
  return [...files].filter(([, bytes]) => isIn(bytes)).map(([path]) => path);
}

/** All there is on a disk, or a part of it. */
export async function filesBelow(folder: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return new Map(await Promise.all(files.map(async (path) => [path, await readFile(path)] as const)));
}

/** What a line of strace says was written to a file; nothing for pipes and sockets. */
function fileWrite(line: string): FileWrite[] {
  const [, path, rest = ''] = /\bp?write(?:v|64|v2)?\(\d+<([^>]+)>(.*)/.exec(line) ?? [];
  if (path === undefined || /^(pipe|socket|UNIX|TCP|anon_inode)/.test(plain(path))) return [];
  const bytes = [...rest.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex = '']) => fromHex(hex));
  return [{ path: plain(path), bytes: Buffer.concat(bytes) }];
}

function plain(path: string): string {
  return path.replaceAll(/\\x([0-9a-f]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function fromHex(escaped: string): Buffer {
  return Buffer.from(escaped.replaceAll('\\x', ''), 'hex');
}
