import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runMsmqCert } from './msmq-cert.ts';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

describe('help and wrong usage', () => {
  it('shows durations as people write them, the examples first, and the exit codes last', async () => {
    const { code, stdout } = await runMsmqCert(['register', '--help']);
    assert.equal(code, 0);
    assert.match(stdout, /--valid-for <duration> +validity of a new certificate \(default: 8y\)/);
    assert.ok(stdout.indexOf('Examples:') < stdout.indexOf('Arguments:'));
    assert.deepEqual(
      ['What:', 'Keys and delivery:', 'How:', 'Where, and as whom:', 'Output:', 'Exit codes:'].map((group) =>
        stdout.includes(`\n${group}\n`),
      ),
      Array(6).fill(true),
    );
  });

  it('shows what few need with --help-all only, with the variable of each option', async () => {
    const [short, long] = await Promise.all([
      runMsmqCert(['register', '--help']),
      runMsmqCert(['register', '--help-all']),
    ]);
    assert.ok(!short.stdout.includes('--tls-fingerprint'));
    assert.match(long.stdout, /--tls-fingerprint <sha256>[\s\S]{0,120}\(env:\s+MSMQ_CERT_TLS_FINGERPRINT\)/);
    assert.ok(short.stdout.split('\n').length <= 66);
  });

  it('says the same for `help register` and `register --help`', async () => {
    const [word, option] = await Promise.all([runMsmqCert(['help', 'register']), runMsmqCert(['register', '--help'])]);
    assert.equal(word.stdout, option.stdout);
  });

  it('suggests what may be meant', async () => {
    const { code, stderr } = await runMsmqCert(['help', 'regster']);
    assert.equal(code, 2);
    assert.match(stderr, /^error: unknown command 'regster'\n\(Did you mean register\?\)\n/);
  });

  it('ends in one JSON document also for wrong usage', async () => {
    for (const words of [['bogus'], ['list', '--bogus'], ['list', 'alice', '--timeout', 'soon'], ['show']]) {
      const { code, stdout } = await runMsmqCert([...words, '--json']);
      assert.equal(code, 2);
      const { schema, error } = JSON.parse(stdout);
      assert.equal(schema, 1);
      assert.equal(error.code, 'usage');
      assert.doesNotMatch(error.message, /^error/);
    }
  });

  it('points from what other tools have to what is safe here, and does not repeat the password', async () => {
    for (const words of [['--password', 'Pass-1'], ['--password=Pass-1']]) {
      const { code, stderr } = await runMsmqCert(['list', 'alice', ...words]);
      assert.equal(code, 2);
      assert.match(stderr, /\nhint: give --password-file or --password-stdin/);
      assert.ok(!stderr.includes('Pass-1'));
    }
    const { stderr } = await runMsmqCert(['list', 'alice', '--insecure']);
    assert.match(stderr, /TLS is always verified\nhint: .*--ca-file/);
  });

  it('understands months', async () => {
    const { code, stderr } = await runMsmqCert([
      'renew',
      'alice',
      '--expiring-within',
      '6mo',
      '--directory',
      'ldif:no',
    ]);
    assert.equal(code, 2);
    assert.match(stderr, /^error\[file-unreadable\]/);
  });

  it('says in one sentence that Node is too old', async () => {
    const program = `Object.defineProperty(process.versions, 'node', { value: '18.20.4' }); await import(${JSON.stringify(main)});`;
    const failure = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]).catch((e) => e);
    assert.equal(failure.code, 2);
    assert.equal(failure.stderr, 'msmq-cert needs Node.js 22.18 or later, and this is 18.20.4\n');
  });
});
