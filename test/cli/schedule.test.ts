import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wordsThatArrive } from '../shell.ts';
import { main, runMsmqCert } from './msmq-cert.ts';

const command = [
  ...['renew', '--everyone', '--broken', '--expiring-within', '30d', '--directory', 'ad://corp.example'],
  ...['--bind', 'provisioner@corp.example', '--password-file', '/etc/hostname'],
  ...['--deploy-hook', 'deploy "$MSMQ_CERT_PFX" 100%'],
];

describe('a schedule', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'msmq-cert-schedule-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('for systemd is one that systemd accepts', async () => {
    const { code, stderr } = await runMsmqCert(['schedule', 'systemd', '--to', folder, '--', ...command]);
    assert.equal(code, 0, stderr);
    const units = readdirSync(folder);
    assert.deepEqual(units, ['msmq-cert-renew-failed.service', 'msmq-cert-renew.service', 'msmq-cert-renew.timer']);
    const paths = units.map((unit) => join(folder, unit));
    const verified = spawnSync('systemd-analyze', ['verify', ...paths], { encoding: 'utf8' });
    const said = verified.stderr.split('\n').filter((line) => line.includes('msmq-cert-renew'));
    assert.deepEqual([verified.status, said], [0, []]);
    const [, time = ''] = /^OnCalendar=(.*)$/m.exec(readFileSync(join(folder, 'msmq-cert-renew.timer'), 'utf8')) ?? [];
    assert.match(execFileSync('systemd-analyze', ['calendar', time], { encoding: 'utf8' }), /Next elapse/);
  });

  it('for systemd is not accepted when something in it is wrong, so that the test before can fail', async () => {
    await runMsmqCert(['schedule', 'systemd', '--to', folder, '--program', '/nowhere', '--', ...command]);
    const unit = join(folder, 'msmq-cert-renew.service');
    const verified = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' });
    assert.notEqual(verified.status, 0);
    assert.match(verified.stderr, /msmq-cert-renew.service: Command \/nowhere is not executable/);
  });

  it('for cron brings every word to the program, as cron and sh read the line', async () => {
    const { stdout } = await runMsmqCert(['schedule', 'cron', '--', ...command], { cwd: folder });
    const [, line = ''] = stdout.split('\n');
    assert.match(line, /^30 2 \* \* \* /);
    // cron takes away the backslash before a percent sign
    const program = `30 2 * * * ${process.execPath} ${main}`;
    const words = wordsThatArrive(line.replace(program, 'msmq-cert').replaceAll('\\%', '%'), 'sh');
    assert.equal(words[0], 'renew');
    assert.ok(words.includes('deploy "$MSMQ_CERT_PFX" 100%'));
    assert.equal(words[words.indexOf('--out') + 1], join(folder, 'msmq-certs'));
  });

  it('for the Task Scheduler is XML with the words as Windows takes them apart', async () => {
    const words = ['schedule', 'task-scheduler', '--run-as', 'CORP\\svc & co', '--to', folder, '--', ...command];
    assert.equal((await runMsmqCert(words)).code, 0);
    const program = [
      'import sys, xml.etree.ElementTree as tree',
      'root = tree.parse(sys.argv[1]).getroot()',
      'print(root.find(".//{*}UserId").text)',
      'print(root.find(".//{*}Arguments").text)',
    ];
    const file = join(folder, 'msmq-cert-renew.xml');
    const [user, line] = execFileSync('python3', ['-c', program.join('\n'), file], { encoding: 'utf8' }).split('\n');
    assert.equal(user, 'CORP\\svc & co');
    assert.match(line ?? '', /--deploy-hook "deploy \\"\$MSMQ_CERT_PFX\\" 100%"/);
  });

  it('overwrites no file', async () => {
    writeFileSync(join(folder, 'msmq-cert-renew.timer'), 'mine');
    const { code, stderr } = await runMsmqCert(['schedule', 'systemd', '--to', folder, '--', ...command]);
    assert.equal(code, 1);
    assert.match(stderr, /error\[file-exists\]/);
    assert.deepEqual(readdirSync(folder), ['msmq-cert-renew.timer']);
  });

  it('holds no secret, and does not repeat it', async () => {
    const secrets = [
      ['--directory', 'ldaps://svc:Geheim-1@dc1.corp.example'],
      ['--deploy-hook', 'curl --user svc --password Geheim-1'],
      ['--deploy-hook=deploy --token=Geheim-1'],
      ['MSMQ_CERT_PASSWORD=Geheim-1'],
      ['--password', 'Geheim-1'],
    ];
    for (const words of secrets) {
      const { code, stdout, stderr } = await runMsmqCert(['schedule', 'cron', '--', ...command, ...words, '--json']);
      assert.equal(code, 2, words.join(' '));
      assert.ok(!(stdout + stderr).includes('Geheim-1'));
    }
  });

  it('has no line that its reader would take for one of its own', async () => {
    const { code, stderr } = await runMsmqCert([
      'schedule',
      'cron',
      '--',
      ...command,
      '--base-dn',
      'DC=a\n* * * * * id',
    ]);
    assert.equal(code, 2);
    assert.match(stderr, /a character in it that cannot be seen/);
  });
});
