import assert from 'node:assert/strict';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type OpenedReport, openReport, startBrowser } from './browser.ts';
import { few } from './sample.ts';

describe('the commands in the page of an HTML report', () => {
  let browser: Browser;
  let context: BrowserContext;
  let opened: OpenedReport;

  before(async () => {
    browser = await startBrowser();
  });

  after(async () => {
    await browser.close();
  });

  beforeEach(async () => {
    context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] });
  });

  afterEach(async () => {
    const { complaints, requests } = opened;
    await opened.close();
    await context.close();
    assert.deepEqual({ complaints, requests }, { complaints: [], requests: [] });
  });

  async function open(): Promise<Page> {
    opened = await openReport(context, few);
    return opened.page;
  }

  it('stand at each user, with the findings that they are for', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'CORP\\bob' }).and(page.locator('[aria-expanded]')).click();
    assert.deepEqual(await page.locator('.remedies li').allInnerTexts(), [
      "expired\nmsmq-cert renew 'CORP\\\\bob' --broken\nCopy",
      'protected-account\nNo command decides this: see docs/findings.md#protected-account',
    ]);
  });

  it('are copied as they stand', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'CORP\\bob' }).and(page.locator('[aria-expanded]')).click();
    await page.locator('.remedies').getByRole('button', { name: 'Copy' }).click();
    await page.getByText('Copied').waitFor();
    assert.equal(await page.evaluate('navigator.clipboard.readText()'), "msmq-cert renew 'CORP\\\\bob' --broken");
  });

  it('are copied for all users with a finding, one a line', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Copy 2 commands: weak-key' }).click();
    await page.getByText('Copied').waitFor();
    assert.equal(
      await page.evaluate('navigator.clipboard.readText()'),
      'msmq-cert replace ann --overlap\nmsmq-cert replace cleo --overlap\n',
    );
  });

  it('are copied also where a page may not write to the clipboard', async () => {
    await context.addInitScript("Object.defineProperty(navigator, 'clipboard', { value: undefined })");
    const page = await open();
    await page.getByRole('button', { name: 'Copy the command: expiring' }).press('Enter');
    await page.getByText('Copied').waitFor();
    assert.equal(await page.locator('button:focus').textContent(), 'Copy the command');
    await page.getByRole('searchbox').press('Control+V');
    assert.equal(await page.getByRole('searchbox').inputValue(), 'msmq-cert renew ann --overlap');
  });
});

describe('the address of the page of an HTML report', () => {
  let browser: Browser;
  let opened: OpenedReport;
  let page: Page;

  before(async () => {
    browser = await startBrowser();
  });

  after(async () => {
    await browser.close();
  });

  beforeEach(async () => {
    opened = await openReport(browser, few);
    page = opened.page;
  });

  afterEach(async () => {
    await opened.close();
  });

  // page.url() follows the page only a while later
  const address = async () => await page.evaluate<string>('location.href');
  const fragment = async () => await page.evaluate<string>('location.hash');
  const shown = async () => await page.locator('.users .user').allInnerTexts();

  it('keeps search, finding and order when the page is loaded again', async () => {
    await page.getByRole('searchbox').pressSequentially('corp');
    await page.getByLabel('Finding').selectOption('weak-key');
    await page.getByRole('columnheader', { name: 'User' }).getByRole('button').click();
    await page.getByRole('columnheader', { name: 'User' }).getByRole('button').click();
    assert.equal(await fragment(), '#search=corp&finding=weak-key&sort=user');
    assert.deepEqual(await shown(), ['CORP\\cleo', 'CORP\\ann']);
    await page.reload();
    assert.equal(await page.getByRole('searchbox').inputValue(), 'corp');
    assert.equal(await page.getByLabel('Finding').inputValue(), 'weak-key');
    assert.equal(await page.getByRole('columnheader', { name: 'User' }).getAttribute('aria-sort'), 'descending');
    assert.deepEqual(await shown(), ['CORP\\cleo', 'CORP\\ann']);
  });

  it('is that of the report alone when nothing is narrowed down', async () => {
    const bare = await address();
    await page.getByRole('searchbox').fill('ann');
    assert.equal(await address(), `${bare}#search=ann`);
    await page.getByRole('searchbox').fill('');
    assert.equal(await address(), bare);
    assert.equal((await shown()).length, 3);
  });

  it('leads back to what was shown before a finding was pressed', async () => {
    await page.getByRole('searchbox').fill('ann');
    await page.locator('#finding-list').getByRole('button', { name: 'expired', exact: true }).click();
    assert.equal(await fragment(), '#finding=expired');
    assert.deepEqual(await shown(), ['CORP\\bob']);
    await page.goBack();
    await page.waitForFunction("document.querySelector('.controls input').value === 'ann'");
    assert.equal(await fragment(), '#search=ann');
    assert.equal(await page.getByRole('searchbox').inputValue(), 'ann');
    assert.deepEqual(await shown(), ['CORP\\ann']);
  });
});
