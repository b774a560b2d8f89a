import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { htmlReport, writeHtmlReport } from '../../src/cli/audit/html-report.ts';
import { harmless } from '../../src/cli/output.ts';
import { MsmqCertError } from '../../src/errors.ts';
import { certificateFor, reportOf, userNamed } from './sample.ts';

const noParts = { script: '', style: '' };

describe('the text of an HTML report', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('</script>', '<!--<script>', ']]>', '\u202egpj', '\u2028', '\\u003c', '&lt;', '"\'`', '__proto__'),
  );

  it('holds what the directory says as data only, in a form that reads back', () => {
    fc.assert(
      fc.property(hostile, hostile, hostile, (name, machine, directory) => {
        const report = reportOf([userNamed(name, [certificateFor(machine)])], { directory });
        const html = htmlReport(report, noParts);
        const plain = htmlReport(reportOf([userNamed('a', [certificateFor('b')])], { directory: 'c' }), noParts);
        assert.equal(html.split('<').length, plain.split('<').length, 'there is another element');
        const [user] = dataOf(html).users;
        assert.equal(user.user, harmless(`CORP\\${name}`));
        assert.equal(user.certificates[0].machine, harmless(machine));
      }),
    );
  });

  it('has no characters in it that hide or reorder text', () => {
    const html = htmlReport(reportOf([userNamed('\u202e\u200b\u0007')], { directory: '\u2066' }), noParts);
    assert.match(html, /u\{202e\}.*u\{200b\}.*u\{7\}/);
    assert.doesNotMatch(html, /(?!\n)\p{C}/u);
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
