// Makes dist: the command line and the report page bundled, the library as modules with their types.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { build } from 'esbuild';
import { queuePackages } from '../src/queue/packages.ts';

rmSync('dist', { recursive: true, force: true });

await build({
  entryPoints: ['src/report-page/page.ts', 'src/report-page/page.css'],
  bundle: true,
  outdir: 'dist/report-page',
  logLevel: 'warning',
});

// As a few hundred modules, more than half of the time of a short command went into finding and loading them.
await build({
  entryPoints: ['src/cli/main.ts'],
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.18',
  outdir: 'dist/cli',
  // Optional: they are there or they are not.
  external: ['koffi', 'keytar', ...Object.keys(queuePackages)],
  // Packages that are still CommonJS ask for the modules of Node by this name.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  logLevel: 'warning',
});

execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' });
