import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { licenceTexts } from './bom.ts';
import type { Bundle } from './bundle.ts';
import type { System } from './systems.ts';

/**
 * Packs an executable with what belongs to it into one archive, in a folder of its own that has the version in its name.
 * @param folder where the executable is; the executable stays there
 * @returns the archive
 */
export function archive(system: System, folder: string, { bom }: Bundle, out: string): string {
  const name = `msmq-cert-${bom.metadata.component.version}-${system.name}`;
  const staged = join(out, name);
  renameSync(folder, staged);
  for (const file of ['README.md', 'CHANGELOG.md', 'SECURITY.md', 'LICENSE']) copyFileSync(file, join(staged, file));
  writeFileSync(join(staged, 'msmq-cert.cdx.json'), `${JSON.stringify(bom, null, 2)}\n`);
  mkdirSync(join(staged, 'licences'));
  for (const [file, text] of licenceTexts(bom)) writeFileSync(join(staged, 'licences', file), text);
  const packed = join(out, `${name}.${system.archive}`);
  pack(system.archive, staged, packed);
  renameSync(join(staged, system.executable), join(out, system.executable));
  rmSync(staged, { recursive: true });
  return packed;
}

function pack(kind: System['archive'], folder: string, packed: string): void {
  const seconds = Number(process.env['SOURCE_DATE_EPOCH'] ?? 0);
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = paths.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
  for (const file of files) utimesSync(file, seconds, seconds);
  const names = files.map((file) => file.slice(folder.length - basename(folder).length)).sort();
  const options = {
    cwd: join(folder, '..'),
    // zip keeps local times
    env: { PATH: process.env['PATH'], TZ: 'UTC', LC_ALL: 'C' },
    input: `${names.join('\n')}\n`,
  };
  if (kind === 'zip') execFileSync('zip', ['-q', '-X', '-@', packed], options);
  else execFileSync('tar', [...plainTar, '-I', 'gzip -n', '-cf', packed, '--files-from=-'], options);
}

/** Nothing of the machine that packs: no names, no rights but those of a program and of a text. */
const plainTar = ['--format=ustar', '--owner=0', '--group=0', '--numeric-owner', '--mode=go=rX,u+rw'];

export function writeChecksums(out: string, archives: readonly string[]): void {
  const lines = archives.map((file) => {
    const digest = createHash('sha256').update(readFileSync(file)).digest('hex');
    return `${digest}  ${basename(file)}\n`;
  });
  writeFileSync(join(out, 'SHA256SUMS'), lines.sort().join(''));
}
