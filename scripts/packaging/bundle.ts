import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cyclonedxEsbuildPlugin } from '@cyclonedx/cyclonedx-esbuild';
import { type BuildOptions, build } from 'esbuild';
import { type Bom, completeBom } from './bom.ts';

/** The command line as one file, and what is in it. */
export interface Bundle {
  /** One ES module. */
  main: string;
  bom: Bom;
}

const options: BuildOptions = {
  entryPoints: ['src/cli/main.ts'],
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node26',
  logLevel: 'warning',
};

/** What pg would use in their place when they were there; they never are. */
const otherClients = ['pg-native', 'pg-cloudflare'];

/** Packages that are still CommonJS ask for the modules of Node by this name. */
const banner = {
  js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
};

export async function bundle(out: string): Promise<Bundle> {
  const main = join(out, 'main.mjs');
  // The native packages are loaded from assets.
  await build({ ...options, outfile: main, banner, external: ['koffi', 'keytar', ...otherClients] });
  return { main, bom: await billOfMaterials(out) };
}

/** Bundles once more, now with the native packages, which are a part of the executables in their way. */
async function billOfMaterials(out: string): Promise<Bom> {
  const outputFile = join(out, 'bom.json');
  const bom = cyclonedxEsbuildPlugin({
    outputFile,
    gatherLicenseTexts: true,
    outputReproducible: true,
    logLevel: 'silent',
  });
  await build({
    ...options,
    outfile: join(out, 'unused.mjs'),
    write: false,
    external: ['@koromix/*', '*.node', ...otherClients],
    plugins: [bom],
  });
  return completeBom(JSON.parse(readFileSync(outputFile, 'utf8')));
}
