import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openssl, withFolder } from '../certificate/support.ts';
import { runMsmqCert } from '../cli/msmq-cert.ts';
import { readPairs, resetUsers, userNames } from './bulk.ts';
import { keyFilesBelow, reaching } from './command-line.ts';
import { type Lab, startLab } from './lab.ts';

describe('A bulk run and bad input', () => {
  const users = userNames(71, 73);
  const [first = '', second = ''] = users;
  let lab: Lab;
  before(async () => {
    lab = await startLab({ users: 200 });
    await resetUsers(lab, users);
  });
  afterEach(async () => {
    const nothing = users.map((user) => [user, { blob: null, digests: [] }] as const);
    assert.deepEqual(await readPairs(lab, users), Object.fromEntries(nothing));
  });

  it('names every certificate file of a manifest that cannot be registered, by line', () =>
    withFolder(async (folder) => {
      const path = (name: string) => join(folder, name);
      const key = ['-nodes', '-keyout', path('rsa.key'), '-subj', '/CN=x'];
      await openssl('req', '-x509', '-newkey', 'rsa:2048', ...key, '-out', path('rsa.pem'));
      await openssl('x509', '-in', path('rsa.pem'), '-outform', 'DER', '-out', path('same.cer'));
      const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', path('ec.key')];
      await openssl('req', '-x509', ...curve, '-subj', '/CN=x', '-out', path('ec.pem'));
      const certificates = [
        [first, 'rsa.pem'],
        [second, 'same.cer'],
        [first, 'rsa.key'],
        [first, 'ec.pem'],
        [first, 'missing.cer'],
        [first, 'manifest.csv'],
      ];
      const rows = certificates.map(([user, file]) => `${user};;${file}`);
      await writeFile(path('manifest.csv'), ['user;machine;certificate', ...rows, ''].join('\r\n'));
      const words = ['register', '--manifest', path('manifest.csv'), '--out', path('certs'), ...reaching(lab)];
      const hint = 'give DER or PEM files with one RSA certificate each, named relative to the manifest';
      const outcome = await runMsmqCert(words);
      assert.deepEqual(
        { ...outcome, stderr: outcome.stderr.replaceAll(`${folder}/`, '') },
        {
          code: 2,
          stdout: '',
          stderr: [
            'error[invalid-manifest]: the certificates of the manifest manifest.csv have 5 problems',
            `  line 3: the certificate in same.cer is given for ${second} and for ${first}`,
            '  line 4: rsa.key holds a private key',
            '  line 5: the public key of the certificate in ec.pem is not RSA',
            '  line 6: missing.cer cannot be read: ENOENT',
            '  line 7: manifest.csv is not an X.509 certificate: no certificate at byte 0',
            `hint: ${hint}`,
            '',
          ].join('\n'),
        },
      );
      assert.deepEqual(await keyFilesBelow(path('certs')), []);
    }));

  describe('refuses a plan', () => {
    const refused = (change: (plan: string) => string, problem: string, hint: string) =>
      withFolder(async (folder) => {
        const file = join(folder, 'plan.json');
        const planned = await runMsmqCert([
          'plan',
          'register',
          first,
          '--machine',
          'PC-1',
          '--out',
          file,
          ...reaching(lab),
        ]);
        assert.equal(planned.code, 0, planned.stderr);
        await writeFile(file, change(await readFile(file, 'utf8')));
        const applied = await runMsmqCert(['apply', file, '--out', join(folder, 'certs'), ...reaching(lab)]);
        const stderr = `error[invalid-plan]: ${problem.replace('PLAN', file)}\nhint: ${hint}\n`;
        assert.deepEqual(applied, { code: 2, stdout: '', stderr });
        assert.deepEqual(await keyFilesBelow(join(folder, 'certs')), []);
      });

    it('that was edited', () =>
      refused(
        (plan) => plan.replace('"PC-1"', '"PC-2"'),
        'the plan PLAN was changed after it was made',
        'make the plan anew instead of editing it',
      ));

    it('of a newer version', () =>
      refused(
        (plan) => plan.replace('"schema": 1', '"schema": 2'),
        'the plan PLAN is of version 2, which this msmq-cert does not know',
        'use the version that made it',
      ));

    it('that is none', () =>
      refused(() => '{"users": []}', 'the plan PLAN is no plan', 'msmq-cert plan … --out makes one'));

    it('that was cut off', () =>
      refused((plan) => plan.slice(0, 100), 'PLAN is no plan', 'msmq-cert plan … --out makes one'));

    it('that was made for another domain', () =>
      withFolder(async (folder) => {
        const [plan, ldif] = [join(folder, 'plan.json'), join(folder, 'users.ldif')];
        const dn = `CN=${first},OU=MQ,${lab.baseDn}`;
        await writeFile(ldif, `dn: ${dn}\nobjectClass: user\nsAMAccountName: ${first}\n`);
        const elsewhere = ['--directory', `ldif:${ldif}`, '--domain', 'EAST'];
        await runMsmqCert(['plan', 'register', first, '--machine', 'PC-1', '--out', plan, ...elsewhere]);
        const applied = await runMsmqCert(['apply', plan, '--out', join(folder, 'certs'), ...reaching(lab)]);
        assert.equal(applied.code, 2);
        assert.equal(
          applied.stderr,
          `error[invalid-plan]: the plan was made for the domain EAST, and does not know CORP\\${first}\n` +
            'hint: apply it to the directory that it was made from\n',
        );
      }));
  });
});
