import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { htmlReport, writeHtmlReport } from '../../../src/cli/audit/html-report.ts';
import { MsmqCertError } from '../../../src/errors.ts';
import type { AuditReport } from '../../../src/inspect/audit/report.ts';
import { harmless } from '../../../src/visible.ts';
import { certificateFor, reportOf, userNamed } from '../../report-page/sample.ts';

/** A report of another directory, which may say anything where it names itself. */
function from(text: string): Partial<AuditReport> {
  const { origin } = reportOf([]);
  return { origin: { ...origin, directory: text, baseDn: text, account: text, scope: text } };
}

const noParts = { script: '', style: '' };

describe('the text of an HTML report', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('</script>', '<!--<script>', ']]>', '\u202egpj', '\u2028', '\\u003c', '&lt;', '"\'`', '__proto__'),
  );

  it('holds what the directory says as data only, in a form that reads back', () => {
    fc.assert(
      fc.property(hostile, hostile, hostile, (name, machine, directory) => {
        const report = reportOf([userNamed(name, [certificateFor(machine)])], from(directory));
        const html = htmlReport(report, noParts);
        const plain = htmlReport(reportOf([userNamed('a', [certificateFor('b')])], from('c')), noParts);
        assert.equal(html.split('<').length, plain.split('<').length, 'there is another element');
        const [user] = dataOf(html).users;
        assert.equal(user.user, harmless(`CORP\\${name}`));
        assert.equal(user.certificates[0].machine, harmless(machine));
      }),
    );
  });

  it('has no characters in it that hide or reorder text', () => {
    const html = htmlReport(reportOf([userNamed('\u202e\u200b\u0007')], from('\u2066')), noParts);
    assert.match(html, /u\{202e\}.*u\{200b\}.*u\{7\}/);
    assert.doesNotMatch(html, /(?!\n)\p{C}/u);
  });

  it('says who made it, from what, when and by which measure', () => {
    const { origin } = reportOf([]);
    const ofServer = originOf(htmlReport(reportOf([], { origin: { ...origin, usersRead: 1_234 } }), noParts));
    assert.deepEqual(ofServer, {
      Directory: 'ldaps://dc1.corp.example',
      'Base DN': 'DC=corp,DC=example',
      'Read by': 'CORP\\auditor',
      Read: '1,234 users (every user)',
      Made: '2027-03-15 09:30:00 UTC',
      'Made with': 'msmq-cert 1.2.3',
      'Measured by': 'at most 820 certificates a user; expiring within 30 days; machines inactive after 90 days',
    });
    const ofFile = originOf(
      htmlReport(reportOf([], { origin: { ...origin, baseDn: null, account: null, usersRead: 1 } }), noParts),
    );
    assert.equal(ofFile['Base DN'], 'none, the whole file');
    assert.equal(ofFile['Read by'], 'nobody was bound');
    assert.equal(ofFile['Read'], '1 user (every user)');
  });

  it('allows its own script and style only', () => {
    const html = htmlReport(reportOf([]), { script: 'one()', style: 'p{}' });
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? '';
    assert.deepEqual(policy.split('; '), [
      "default-src 'none'",
      "script-src 'sha256-HR7iaask9daLMRRskMI++QeJtjWDOjyPA6lGzYGzKW4='",
      "style-src 'sha256-gG2yISYereRMiG2lMXrbiUgi0Ubw9p7QCeWcroOvy9Y='",
      "base-uri 'none'",
      "form-action 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ]);
  });
});

function originOf(html: string): Record<string, string> {
  const list = /<dl class="origin">(.*?)<\/dl>/s.exec(html)?.[1] ?? '';
  return Object.fromEntries(
    [...list.matchAll(/<dt>(.*?)<\/dt><dd>(.*?)<\/dd>/g)].map(([, name, value]) => [name, value]),
  );
}

function dataOf(html: string) {
  return JSON.parse(/<script type="application\/json" id="data">([^<]*)</.exec(html)?.[1] ?? '');
}

describe('the file of an HTML report', () => {
  let folder: string;
  let parts: URL;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'msmq-cert-report-'));
    parts = new URL(`${pathToFileURL(join(folder, 'parts')).href}/`);
    await mkdir(parts);
    await writeFile(new URL('page.js', parts), 'start()');
    await writeFile(new URL('page.css', parts), 'p{}');
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('replaces one that is there, is for its owner only and leaves nothing else behind', async () => {
    const file = join(folder, 'report.html');
    await writeFile(file, 'an older report', { mode: 0o644 });
    await writeHtmlReport(reportOf([]), file, parts);
    assert.match(await readFile(file, 'utf8'), /^<!doctype html>.*<script>start\(\)<\/script>/s);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual((await readdir(folder)).sort(), ['parts', 'report.html']);
  });

  it('does not replace a folder', async () => {
    const file = join(folder, 'taken');
    await mkdir(file);
    await writeFile(join(file, 'kept'), '');
    await assert.rejects(writeHtmlReport(reportOf([]), file, parts), (error) => {
      assert(error instanceof MsmqCertError);
      assert.equal(error.code, 'file-unwritable');
      assert(error.message.includes(file));
      return true;
    });
    assert.deepEqual((await readdir(folder)).sort(), ['parts', 'taken']);
  });

  it('names the folder that is missing', async () => {
    const file = join(folder, 'missing', 'report.html');
    await assert.rejects(writeHtmlReport(reportOf([]), file, parts), { code: 'file-unwritable' });
  });
});
