import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Outcome } from '../cli/msmq-cert.ts';
import { fixture, runDemo } from '../packaging/demo.ts';
import { assertPfxHolds, keyFilesBelow, letTimePass, machinesOf, readConsistentPair } from './command-line.ts';
import { gateProxy } from './gate-proxy.ts';
import { kerberosEnv, kinit } from './kerberos-session.ts';
import { type Lab, resetUser, startLab } from './lab.ts';
import { startWindows, type Windows, type WindowsRun } from './windows.ts';

describe('msmq-cert.exe under Wine', () => {
  let windows: Windows;
  before(async function () {
    // the tree with Wine is built when it is not there
    this.timeout(600_000);
    windows = await startWindows();
  });
  after(async () => {
    await windows?.remove();
  });

  async function succeed(words: string[], run?: WindowsRun): Promise<Outcome> {
    const outcome = await windows.run(words, run);
    assert.equal(outcome.code, 0, `${words.join(' ')}: ${outcome.stderr}`);
    return outcome;
  }

  it('runs the demo', async () => {
    const cwd = 'demo';
    await mkdir(join(windows.folder, cwd));
    const env = { MSMQ_CERT_DIRECTORY: 'ldif:users.ldif' };
    await runDemo(join(windows.folder, cwd), (words) => windows.run(words, { env, cwd }));
  });

  it('asks for no password where there is no console', async () => {
    const words = ['login', '--directory', 'ldaps://dc1.corp.example', '--bind', 'CORP\\ann'];
    const { code, stderr } = await windows.run(words);
    assert.equal(code, 2);
    assert.match(stderr, /^error\[credentials-missing\]: there is no password for CORP\\ann to store$/m);
  });

  describe('and its files', () => {
    let cwd: string;
    let folder: string;
    let tests = 0;
    beforeEach(async () => {
      cwd = `Schlüssel für alle ${tests++}`;
      folder = join(windows.folder, cwd);
      await mkdir(folder);
      await copyFile(fixture, join(folder, 'users.ldif'));
    });
    const env = { MSMQ_CERT_DIRECTORY: 'ldif:users.ldif' };
    const register = ['register', 'alice', '--machine', 'PC-1'];

    /** Whatever is below a folder and others may use, seen from the system below Wine. */
    async function openToOthers(below: string): Promise<string[]> {
      const entries = await readdir(below, { recursive: true, withFileTypes: true });
      const paths = [below, ...entries.map(({ parentPath, name }) => join(parentPath, name))];
      const modes = await Promise.all(paths.map(async (path) => (await stat(path)).mode));
      return paths.filter((_, index) => ((modes[index] ?? 0) & 0o007) !== 0);
    }

    it('keeps folders, keys, passphrases, journals and reports to their owner', async () => {
      await succeed(register, { cwd, env });
      await succeed(['audit', '--html', 'audit.html'], { cwd, env });
      assert.equal((await keyFilesBelow(join(folder, 'msmq-certs'))).length, 3);
      assert.deepEqual(await openToOthers(join(folder, 'msmq-certs')), []);
      assert.equal((await stat(join(folder, 'audit.html'))).mode & 0o007, 0);
    });

    it('keeps a key folder to its owner that was made by something else', async () => {
      const keys = join(folder, 'msmq-certs', 'CORP_alice', 'PC-1');
      await mkdir(keys, { recursive: true, mode: 0o755 });
      assert.deepEqual(await openToOthers(keys), [keys]);
      await succeed(register, { cwd, env });
      assert.deepEqual(await openToOthers(keys), []);
    });

    it('takes paths of more than 300 characters', async () => {
      const out = join(...Array.from({ length: 8 }, () => 'd'.repeat(40)), 'ключи');
      await succeed([...register, '--out', out], { cwd, env });
      const [file = ''] = await keyFilesBelow(join(folder, out));
      assert.ok(join(out, file).length > 300);
      assert.deepEqual(await openToOthers(join(folder, 'd'.repeat(40))), []);
    });

    it('writes no keys where everybody can read them, unless that is asked for', async () => {
      await mkdir(join(folder, 'open'));
      const before = await readFile(join(folder, 'users.ldif'));
      const words = [...register, '--out', 'open\\keys'];
      const run = { cwd, env, withoutRights: join(cwd, 'open') };
      const { code, stderr } = await windows.run(words, run);
      assert.equal(code, 4, stderr);
      assert.match(stderr, /^error\[insecure-file-system\]: .*open\\keys.* cannot be kept from others here/m);
      assert.match(stderr, /^hint: .*--insecure-file-system/m);
      assert.deepEqual(await readdir(join(folder, 'open')), []);
      assert.deepEqual(await readFile(join(folder, 'users.ldif')), before);

      await succeed([...words, '--insecure-file-system'], run);
      assert.equal((await keyFilesBelow(join(folder, 'open/keys'))).length, 3);
    });

    it('says that a file is open in another program, and leaves all as it was', async () => {
      const before = await readFile(join(folder, 'users.ldif'));
      const script = `
        import { spawnSync } from 'node:child_process';
        import { openSync } from 'node:fs';
        process.chdir(${JSON.stringify(cwd)});
        openSync('users.ldif', 'r');
        const { status } = spawnSync('../msmq-cert.exe', ${JSON.stringify(register)}, {
          env: { ...process.env, ...${JSON.stringify(env)} },
          stdio: ['ignore', 1, 2],
        });
        process.exitCode = status;`;
      const { code, stderr } = await windows.runNode(script);
      assert.match(stderr, /^error\[file-locked\]: .*users[.]ldif is open in another program$/m);
      assert.equal(code, 1);
      assert.deepEqual(await readFile(join(folder, 'users.ldif')), before);
      assert.deepEqual(await keyFilesBelow(join(folder, 'msmq-certs')), []);
      assert.deepEqual((await readdir(folder)).sort(), ['msmq-certs', 'users.ldif']);
    });
  });

  describe('against a domain controller', () => {
    let lab: Lab;
    before(async () => {
      lab = await startLab();
      await copyFile(lab.caFile, join(windows.folder, 'ca.pem'));
      await copyFile(lab.accounts.provisioner.passwordFile, join(windows.folder, 'password'));
    });
    for (const when of [beforeEach, afterEach]) when(() => resetUser(lab, 'carol'));

    const reaching = (url = lab.url) => {
      const { bind } = lab.accounts.provisioner;
      return ['--directory', url, '--ca-file', 'ca.pem', '--bind', bind, '--password-file', 'password'];
    };
    const outOf = (name: string) => join(windows.folder, name);
    const entries = () => readConsistentPair(lab, 'carol');

    /**
     * Starts the command in a console of its own, presses Ctrl+C there when there is a file press-ctrl-c, and makes the
     * file stopping when the command has said that it stops.
     */
    const pressingCtrlC = (words: string[]) => `
      import { spawn } from 'node:child_process';
      import { existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
      import { resolve } from 'node:path';
      const koffi = { exports: {} };
      process.dlopen(koffi, resolve('koffi.node'));
      const kernel32 = koffi.exports.load('kernel32.dll');
      const call = (name, types = [], values = []) => kernel32.func('__stdcall', name, 'int32_t', types)(...values);
      call('FreeConsole');
      call('AllocConsole');
      process.on('SIGINT', () => {});
      const child = spawn('msmq-cert.exe', ${JSON.stringify(words)}, { stdio: ['ignore', 1, openSync('its.err', 'w')] });
      let pressed = false;
      const timer = setInterval(() => {
        if (!pressed && existsSync('press-ctrl-c')) {
          pressed = true;
          call('GenerateConsoleCtrlEvent', ['uint32_t', 'uint32_t'], [0, 0]);
        }
        if (readFileSync('its.err', 'utf8').includes('stopping after')) writeFileSync('stopping', '');
      }, 50);
      child.on('exit', (code) => {
        clearInterval(timer);
        process.stderr.write(readFileSync('its.err'));
        process.exitCode = code;
      });`;

    /** Or the program that should make it has ended. */
    async function appears(path: string, outcome: Promise<Outcome>): Promise<void> {
      let isOver = false;
      void outcome.finally(() => {
        isOver = true;
      });
      while (!existsSync(path) && !isOver) await pause(20);
    }

    async function assertEveryKeyIsThere(out: string): Promise<void> {
      for (const { machine, digest, certificate } of await entries()) {
        const path = join(outOf(out), 'CORP_carol', machine ?? '', digest);
        await assertPfxHolds(`${path}.pfx`, `${path}.pass`, certificate);
      }
    }

    it('registers, lists, renews, reports and undoes', async () => {
      const keys = ['--out', 'run'];
      await succeed(['register', 'carol', '--machine', 'PC-1', '--machine', 'PC-2', ...keys, ...reaching()]);
      const registered = await entries();
      assert.deepEqual(machinesOf(registered), ['PC-1', 'PC-2']);
      await assertEveryKeyIsThere('run');

      const { stdout } = await succeed(['list', 'carol', '--json', ...reaching()]);
      for (const { digest } of registered) assert.ok(stdout.includes(digest));

      const renewal = ['renew', 'carol', '--machine', 'PC-1', '--all', ...keys, ...reaching()];
      await succeed(renewal);
      assert.notDeepEqual(await entries(), registered);
      await assertEveryKeyIsThere('run');

      await succeed(['audit', '--html', 'audit.html', ...reaching()]);
      assert.match(await readFile(outOf('audit.html'), 'utf8'), /CORP\\\\carol/);

      const journals = await readdir(join(outOf('run'), 'journal'));
      const journal = journals.find((name) => name.includes('-renew-'));
      assert.ok(journal);
      await succeed(['undo', `run\\journal\\${journal}`, ...reaching()]);
      assert.deepEqual(await entries(), registered);
    });

    it('goes on with a run that was killed before the write, with the keys that it made', async () => {
      const gate = await gateProxy(lab.ip);
      const words = ['register', 'carol', '--machine', 'PC-1', '--machine', 'PC-2', '--out', 'killed'];
      const { child, outcome } = await windows.start([...words, ...reaching(gate.url)]);
      await Promise.race([gate.held(1), outcome]);
      child.kill('SIGKILL');
      assert.equal((await outcome).code, null);
      await gate.close();
      assert.deepEqual(await entries(), []);
      const made = (await keyFilesBelow(outOf('killed'))).filter((file) => file.endsWith('.pfx'));
      assert.equal(made.length, 2);

      await letTimePass(outOf('killed'));
      const [journal] = (await readdir(join(outOf('killed'), 'journal'))).filter((name) => name.endsWith('.ndjson'));
      await succeed(['resume', `killed\\journal\\${journal}`, ...reaching()]);
      const registered = await entries();
      assert.deepEqual(registered.map(({ machine, digest }) => `CORP_carol/${machine}/${digest}.pfx`).sort(), made);
      await assertEveryKeyIsThere('killed');
    });

    it('stops after the write under way at Ctrl+C, and resume does the rest', async () => {
      const gate = await gateProxy(lab.ip);
      const users = ['carol', 'dave'];
      const words = ['register', ...users, '--machine', 'PC-1', '--out', 'stopped', '--concurrency', '1'];
      const [now, told] = [outOf('press-ctrl-c'), outOf('stopping')];
      const outcome = windows.runNode(pressingCtrlC([...words, '--no-progress', ...reaching(gate.url)]));
      try {
        await Promise.race([gate.held(1), outcome]);
        await writeFile(now, '');
        await appears(told, outcome);
        gate.open();
        const { code, stderr } = await outcome;
        assert.equal(code, 130, stderr);
        assert.match(stderr, /^error\[interrupted\]: the run was stopped by SIGINT$/m);
        assert.deepEqual(machinesOf(await entries()), ['PC-1']);
        assert.deepEqual(await readConsistentPair(lab, 'dave'), []);

        const [journal] = (await readdir(join(outOf('stopped'), 'journal'))).filter((name) => name.endsWith('.ndjson'));
        await succeed(['resume', `stopped\\journal\\${journal}`, ...reaching()]);
        assert.deepEqual(machinesOf(await readConsistentPair(lab, 'dave')), ['PC-1']);
      } finally {
        await gate.close();
        await resetUser(lab, 'dave');
      }
    });

    it('says that Kerberos does not know a domain controller by its address', async () => {
      await kinit(lab, outOf('tickets'), 'provisioner');
      await copyFile(lab.krb5Config, outOf('krb5.conf'));
      const env = { ...kerberosEnv(lab, outOf('tickets')), KRB5_CONFIG: outOf('krb5.conf') };
      const access = ['--directory', lab.url, '--ca-file', 'ca.pem', '--auth', 'kerberos'];
      const { code, stderr } = await windows.run(['list', 'carol', ...access], { env });
      assert.equal(code, 3, stderr);
      // Wine has one status for all that a domain controller refuses
      assert.match(stderr, /^error\[bind-refused\]: Kerberos failed for ldap.127[.].*0x80090304/m);
    });

    it('says that there is no Kerberos ticket', async () => {
      await copyFile(lab.krb5Config, outOf('krb5.conf'));
      const env = { ...kerberosEnv(lab, outOf('no-tickets')), KRB5_CONFIG: outOf('krb5.conf') };
      const access = ['--directory', `ldaps://${lab.host}`, '--dns-server', lab.ip, '--ca-file', 'ca.pem'];
      const { code, stderr } = await windows.run(['list', 'carol', '--auth', 'kerberos', ...access], { env });
      assert.equal(code, 2, stderr);
      assert.match(stderr, /^error\[credentials-missing\]: there is no Kerberos ticket/m);
      assert.match(stderr, /^hint: .*runas/m);
    });

    // Wine leaves the channel binding out, so this is the Samba that does not demand it.
    it('binds with Kerberos through SSPI', async () => {
      await kinit(lab, outOf('tickets'), 'provisioner');
      await copyFile(lab.krb5Config, outOf('krb5.conf'));
      const env = { ...kerberosEnv(lab, outOf('tickets')), KRB5_CONFIG: outOf('krb5.conf') };
      const access = ['--directory', `ldaps://${lab.host}`, '--dns-server', lab.ip, '--ca-file', 'ca.pem'];
      const words = ['register', 'carol', '--machine', 'PC-1', '--out', 'sspi', '--auth', 'kerberos', ...access];
      await succeed(words, { env });
      assert.deepEqual(machinesOf(await entries()), ['PC-1']);
    });
  });
});
