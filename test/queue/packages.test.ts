import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { queuePackages } from '../../src/queue/packages.ts';

const execFileAsync = promisify(execFile);
const packagesModule = new URL('../../src/queue/packages.ts', import.meta.url);

describe('the optional packages of the queue', () => {
  it('are the optional peers of package.json', async () => {
    const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
    const { peerDependencies, peerDependenciesMeta } = JSON.parse(text);
    assert.deepEqual(peerDependencies, queuePackages);
    const optional = Object.keys(queuePackages).map((name) => [name, { optional: true }]);
    assert.deepEqual(peerDependenciesMeta, Object.fromEntries(optional));
  });

  const loaders = {
    loadPg: 'pg',
    loadPgpass: 'pgpass',
    loadPgBoss: 'pg-boss',
    loadRateLimiter: 'rate-limiter-flexible',
  };
  for (const [loader, name] of Object.entries(loaders)) {
    it(`load: ${name}`, async () => {
      const module = await import(packagesModule.href);
      assert.ok(await module[loader]());
    });

    it(`are named where they are missing, with the command that adds them: ${name}`, async () => {
      const { stdout } = await execFileAsync(process.execPath, [
        '--input-type=module',
        '--eval',
        `import { registerHooks } from 'node:module';
        const missing = ${JSON.stringify(Object.keys(queuePackages))};
        registerHooks({ resolve(specifier, context, next) {
          return next(missing.includes(specifier) ? 'no-such-' + specifier : specifier, context);
        } });
        const loaders = await import(${JSON.stringify(packagesModule)});
        await loaders.${loader}().catch(({ code, message, hint }) => console.log(JSON.stringify({ code, message, hint })));`,
      ]);
      assert.deepEqual(JSON.parse(stdout), {
        code: 'package-missing',
        message: `the queue needs the npm package ${name}, which cannot be loaded`,
        hint: 'run npm install pg-boss@12.38.0 "pg@^8.23.1" "pgpass@^1.0.5" rate-limiter-flexible@11.4.0 where msmq-cert is installed',
      });
    });
  }
});
