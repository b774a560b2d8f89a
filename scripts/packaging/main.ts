// Makes the executables and their archives in the folder that the first argument names.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { archive, writeChecksums } from './archive.ts';
import { bundle } from './bundle.ts';
import { buildExecutable } from './executable.ts';
import { systems } from './systems.ts';

const [out] = process.argv.slice(2);
if (out === undefined) throw new Error('usage: main.ts <folder>');

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const built = await bundle(out);
const archives = systems.map((system) => {
  const folder = buildExecutable(system, built, out);
  return archive(system, folder, built, out);
});
writeChecksums(out, archives);
for (const name of ['main.mjs', 'bom.json']) rmSync(join(out, name));
