import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { Bundle } from './bundle.ts';
import { builder, type System } from './systems.ts';

/**
 * Puts the bundle and all files it reads into a copy of Node.js.
 * @returns the folder that only the executable is in
 */
export function buildExecutable(system: System, { main }: Bundle, out: string): string {
  const folder = join(out, system.name);
  mkdirSync(folder);
  const texts = ['package.json', 'dist/report-page/page.js', 'dist/report-page/page.css'];
  const config = {
    // this path is in the executable and in stack traces: the same whoever builds it
    main: basename(main),
    mainFormat: 'module',
    executable: system.nodeBinary,
    output: join(system.name, system.executable),
    disableExperimentalSEAWarning: true,
    // the cache is for the system and processor that makes it
    useCodeCache: false,
    assets: { ...Object.fromEntries(texts.map((path) => [path, resolve(path)])), ...system.addons },
  };
  const file = join(out, 'sea.json');
  writeFileSync(file, JSON.stringify(config));
  execFileSync(builder, ['--build-sea', basename(file)], { cwd: out, stdio: ['ignore', 'ignore', 'inherit'] });
  rmSync(file);
  chmodSync(join(folder, system.executable), 0o755);
  return folder;
}
