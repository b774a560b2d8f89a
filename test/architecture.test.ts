import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const MOST_LINES = 320;

const inSource = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true });
const files = inSource.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);
const document = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
const told = [...document.matchAll(/^\| `([\w-]+)\/` \|/gm)].map(([, name = '']) => name);

/** Those of the rules that hold the arrows, from the top down. */
function floors(): string[] {
  const { forbidden } = createRequire(import.meta.url)('../.dependency-cruiser.cjs');
  const names: string[] = forbidden.map(({ name }: { name: string }) => name);
  const below = names.flatMap((name) => /^([\w-]+) imports nothing from above$/.exec(name)?.[1] ?? []);
  return ['cli', ...below];
}

describe('The architecture', () => {
  it(`has no source file of more than ${MOST_LINES} lines`, () => {
    const long = files.flatMap((file) => {
      const lines = readFileSync(file, 'utf8').split('\n').length - 1;
      return lines > MOST_LINES ? [`${file.slice(root.length)}: ${lines}`] : [];
    });
    assert.ok(files.length > 300);
    assert.deepEqual(long, []);
  });

  it('has a rule for the arrows of each folder but the page, which takes only types from the rest', () => {
    assert.deepEqual(floors().toSorted(), folders.filter((name) => name !== 'report-page').toSorted());
  });

  it('is told from the top down as the rules have it', () => {
    assert.deepEqual(
      told.filter((name) => name !== 'report-page'),
      floors(),
    );
    assert.deepEqual(told.toSorted(), folders.toSorted());
  });
});
