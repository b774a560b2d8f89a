import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { writeHtmlReport } from '../../src/cli/audit/html-report.ts';
import { harmless } from '../../src/visible.ts';
import { builtParts, openReport, startBrowser } from './browser.ts';
import { certificateFor, reportOf, userNamed } from './sample.ts';

const attacks = [
  '<script>window.attacked = true</script>',
  '</script><script>window.attacked = true</script>',
  '<!--<script>window.attacked = true',
  '<img src=x onerror="window.attacked = true">',
  '"><svg onload=window.attacked=true>',
  "javascript:window.attacked=true//'",
  '\u202e\u2066exe.gpj\u0000\u0007\u200b\r\n',
  '{{constructor.constructor("window.attacked = true")()}}',
];

describe('the page of an HTML report under attack', () => {
  let browser: Browser;

  before(async () => {
    browser = await startBrowser();
  });

  after(async () => {
    await browser.close();
  });

  it('shows hostile names and subjects as the text that they are', async () => {
    const users = attacks.map((attack, index) =>
      userNamed(
        `${attack}${index}`,
        [certificateFor(attack, { subject: attack, issuer: `${attack}!`, digest: attack })],
        {
          sid: attack,
          findings: [attack],
          remedies: [
            { kind: 'run', command: `msmq-cert repair ${attack}`, findings: [attack] },
            { kind: 'read', section: attack, findings: [attack] },
          ],
        },
      ),
    );
    const errors = attacks.map((attack) => ({ user: attack, code: attack, message: attack, hint: attack }));
    const { origin } = reportOf([]);
    const text = attacks.join();
    const report = reportOf(users, {
      origin: { ...origin, directory: text, baseDn: text, account: text, scope: text },
      notes: attacks,
      errors,
    });
    const { page, complaints, requests, close } = await openReport(browser, report);
    try {
      await page.evaluate('document.querySelectorAll(".user").forEach((user) => user.click())');
      const shown = (await page.locator('header, main').allTextContents()).join();
      const details = await page.locator('.entries dd').allTextContents();
      for (const attack of attacks.map(harmless)) {
        assert(shown.includes(attack), `the head or the table lacks ${attack}`);
        assert.equal(details.filter((detail) => detail === attack).length, 2, 'subject and digest');
        assert.equal(details.filter((detail) => detail === `${attack}!`).length, 1, 'issuer');
      }
      assert.deepEqual(
        (await page.locator('.remedies code').allTextContents()).sort(),
        attacks.map((attack) => `msmq-cert repair ${harmless(attack)}`).sort(),
      );
      assert.equal(await page.evaluate('window.attacked'), undefined);
      assert.equal(await page.locator('img, body svg[onload]').count(), 0);
      assert.deepEqual({ complaints, requests }, { complaints: [], requests: [] });
    } finally {
      await close();
    }
  });

  it('takes what stands in its address as a text to search for', async () => {
    const { page, complaints, close } = await openReport(browser, reportOf([userNamed('ann')]));
    try {
      for (const attack of attacks) {
        const fragment = new URLSearchParams({ search: attack, finding: attack, sort: attack, order: '__proto__' });
        await page.evaluate(`new Promise((followed) => {
          addEventListener('popstate', followed, { once: true });
          location.hash = ${JSON.stringify(String(fragment))};
        })`);
        assert.equal(await page.getByRole('searchbox').inputValue(), attack.replace(/[\r\n]/g, ''));
        assert.equal(await page.getByLabel('Finding').inputValue(), '');
        assert.equal(await page.evaluate('window.attacked'), undefined);
        assert.equal(await page.locator('img').count(), 0);
      }
      assert.deepEqual(complaints, []);
    } finally {
      await close();
    }
  });

  it('runs nothing that is put into it and asks nobody for anything', async () => {
    const { server, address, visits } = await startServer();
    const { page, close } = await openReport(browser, reportOf([userNamed('ann')]));
    try {
      const refusals = await page.evaluate(`(async () => {
        const violated = [];
        addEventListener('securitypolicyviolation', (event) => violated.push(event.effectiveDirective));
        const add = (tag, attributes) => document.body.append(Object.assign(document.createElement(tag), attributes));
        const thrown = [];
        for (const attempt of [
          () => { document.body.innerHTML += '<img src=x onerror="window.attacked = true">'; },
          () => add('script', { textContent: 'window.attacked = true' }),
          () => add('script', { src: '${address}script' }),
          () => document.body.setAttribute('onclick', 'window.attacked = true'),
        ]) {
          try { attempt(); } catch (error) { thrown.push(error.name); }
        }
        add('img', { src: '${address}image' });
        add('link', { rel: 'stylesheet', href: '${address}style' });
        document.body.setAttribute('style', 'color: red');
        await fetch('${address}fetch').catch((error) => thrown.push('fetch: ' + error.name));
        add('iframe', { src: '${address}frame' });
        while (!violated.includes('frame-src')) {
          await new Promise((done) => addEventListener('securitypolicyviolation', done, { once: true }));
        }
        return { thrown, violated: [...new Set(violated)].sort(), attacked: window.attacked };
      })()`);
      assert.deepEqual(refusals, {
        thrown: ['TypeError', 'TypeError', 'TypeError', 'TypeError', 'fetch: TypeError'],
        violated: [
          'connect-src',
          'frame-src',
          'img-src',
          'require-trusted-types-for',
          'style-src-attr',
          'style-src-elem',
        ],
        attacked: undefined,
      });
      assert.deepEqual(visits, []);
    } finally {
      await close();
      server.close();
    }
  });

  it('does not run a script that was changed after it was written', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'msmq-cert-report-'));
    const page = await browser.newPage();
    try {
      const file = join(folder, 'report.html');
      await writeHtmlReport(reportOf([userNamed('ann')]), file, builtParts);
      await page.goto(pathToFileURL(file).href);
      assert.equal(await page.locator('.user').count(), 1);
      const html = await readFile(file, 'utf8');
      const at = html.lastIndexOf('</script>');
      await writeFile(file, `${html.slice(0, at)};window.attacked = true${html.slice(at)}`);
      await page.reload();
      assert.equal(await page.locator('.user').count(), 0);
      assert.equal(await page.evaluate('window.attacked'), undefined);
    } finally {
      await page.close();
      await rm(folder, { recursive: true });
    }
  });

  it('shows the totals also where no script may run', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const { page, close } = await openReport(context, reportOf([userNamed('ann', [certificateFor('PC-1')])]));
    try {
      assert.deepEqual(await page.locator('.totals dd').allInnerTexts(), ['1', '0', '1', '0', '810 B']);
      assert(await page.locator('noscript p').isVisible());
    } finally {
      await close();
      await context.close();
    }
  });
});

/** A server on this machine that remembers what it was asked for. */
async function startServer(): Promise<{ server: Server; address: string; visits: (string | undefined)[] }> {
  const visits: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    visits.push(request.url);
    response.end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return { server, address: `http://127.0.0.1:${port}/`, visits };
}
