import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runMsmqCert } from './msmq-cert.ts';

const fixture = fileURLToPath(new URL('../fixtures/demo.ldif', import.meta.url));

describe('a configuration file', () => {
  let folder: string;
  let elsewhere: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'msmq-cert-config-'));
    elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    cpSync(fixture, join(folder, 'users.ldif'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (config: unknown) => writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const run = (words: string[], env: Record<string, string> = {}) =>
    runMsmqCert([...words, '--config', join(folder, 'config.json')], { cwd: elsewhere, env });

  it('names files as seen from its own folder', async () => {
    write({ directory: 'ldif:users.ldif', out: 'keys' });
    const { code, stdout } = await run(['register', 'alice', '--machine', 'PC-1', '--json']);
    assert.equal(code, 0);
    assert.ok(JSON.parse(stdout).results[0].files.pfx.startsWith(join(folder, 'keys')));
  });

  it('serves every command, whatever options of others it has', async () => {
    write({ directory: 'ldif:users.ldif', out: 'keys', 'key-size': 3072, 'older-than': '30d', overlap: true });
    assert.equal((await run(['list', 'alice'])).code, 0);
    assert.equal((await run(['plan', 'register', 'alice', '--machine', 'PC-1', '--out', 'plan.json'])).code, 0);
    const value = join(folder, 'value.bin');
    writeFileSync(value, Buffer.alloc(4));
    assert.equal((await run(['blob', 'decode', value])).code, 0);
  });

  it('holds profiles over what they share', async () => {
    write({ directory: 'ldif:missing.ldif', profiles: { prod: { directory: 'ldif:users.ldif' } } });
    assert.equal((await run(['list', 'alice', '--profile', 'prod'])).code, 0);
    assert.equal((await run(['list', 'alice'], { MSMQ_CERT_PROFILE: 'prod' })).code, 0);
    const { code, stderr } = await run(['list', 'alice', '--profile', 'test']);
    assert.equal(code, 2);
    assert.match(stderr, /has no profile test\nhint: it has prod\n/);
  });

  it('yields to the environment, and both to the command line', async () => {
    write({ directory: 'ldif:missing.ldif' });
    const right = `ldif:${join(folder, 'users.ldif')}`;
    assert.equal((await run(['list', 'alice'], { MSMQ_CERT_DIRECTORY: right })).code, 0);
    assert.equal((await run(['list', 'alice', '--directory', right], { MSMQ_CERT_DIRECTORY: 'ldif:no' })).code, 0);
  });

  it('takes a variable without a value for none', async () => {
    write({ directory: 'ldif:users.ldif' });
    assert.equal((await run(['list', 'alice'], { MSMQ_CERT_DIRECTORY: '', MSMQ_CERT_JSON: '0' })).code, 0);
  });

  it('is missing, unreadable or broken, each in its own words', async () => {
    const sentence = async () => (await run(['list', 'alice'])).stderr.split('\n')[0];
    const file = join(folder, 'config.json');
    assert.equal(await sentence(), `error[invalid-config]: there is no configuration file ${file}`);
    mkdirSync(file);
    assert.equal(await sentence(), `error[invalid-config]: the configuration file ${file} cannot be read: EISDIR`);
    rmSync(file, { recursive: true });
    writeFileSync(file, '{');
    chmodSync(file, 0o600);
    assert.equal(await sentence(), `error[invalid-config]: the configuration file ${file} is broken: it is no JSON`);
    write({ directory: { url: 'x' } });
    assert.equal(await sentence(), `error[invalid-config]: the configuration file ${file} is broken: at directory`);
    write({ directoy: 'x' });
    assert.equal(
      await sentence(),
      `error[invalid-config]: the configuration file ${file} has the unknown option directoy`,
    );
  });

  it('is needed for a profile', async () => {
    const { code, stderr } = await runMsmqCert(['list', 'alice', '--profile', 'prod'], { cwd: elsewhere });
    assert.equal(code, 2);
    assert.match(stderr, /^error\[usage\]: --profile prod is given without a configuration file\n/);
  });
});
