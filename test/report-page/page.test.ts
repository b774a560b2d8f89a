import assert from 'node:assert/strict';
import type { Browser, Locator } from 'playwright-core';
import type { AuditReport } from '../../src/inspect/audit/report.ts';
import { type OpenedReport, openReport, startBrowser } from './browser.ts';
import { certificateFor, few, manyUsers, reportOf, userNamed } from './sample.ts';

/** The report as its reader meets it: built, written to a file and opened in a browser. */
describe('the page of an HTML report', () => {
  let browser: Browser;
  let opened: OpenedReport;

  before(async () => {
    browser = await startBrowser();
  });

  after(async () => {
    await browser.close();
  });

  async function open(report: AuditReport): Promise<OpenedReport['page']> {
    opened = await openReport(browser, report);
    return opened.page;
  }

  afterEach(async () => {
    const { complaints, requests } = opened;
    await opened.close();
    assert.deepEqual({ complaints, requests }, { complaints: [], requests: [] });
  });

  it('shows the totals, the charts, the findings and what is missing', async () => {
    const page = await open(few);
    assert.deepEqual(await page.locator('.totals div').allInnerTexts(), [
      'Users\n3',
      'Users with findings\n3',
      'Certificates\n5',
      'Certificates with findings\n5',
      'Size of all certificates\n4.04 kB',
      'Users that could not be read\n1',
    ]);
    assert.equal(await page.locator('#limit-chart li').count(), 3);
    assert.deepEqual(await page.locator('.limit-key').allTextContents(), ['limit 820 certificates']);
    assert.deepEqual(
      await page
        .locator('#finding-list tbody tr')
        .evaluateAll((rows) =>
          rows.map((row) => [...row.querySelectorAll('th, .found-on, .helps')].map((cell) => cell.textContent)),
        ),
      [
        ['weak-key', '3 certificates of 2 users', 'Copy 2 commands'],
        ['expired', '1 certificate of 1 user', 'Copy the command'],
        ['expiring', '1 certificate of 1 user', 'Copy the command'],
        ['digest-orphan', '1 user', 'Copy the command'],
        ['protected-account', '1 user', 'see docs/findings.md#protected-account'],
      ],
    );
    assert.deepEqual(await page.locator('#remarks li').allTextContents(), [
      'machines are not in this file',
      'CORP\\dan may not be read (access-denied)ask',
    ]);
  });

  it('shows when certificates end: the next twelve months in full, with a mark for today, then all years', async () => {
    const page = await open(few);
    const [months, years] = await page.locator('#expiry-chart table').all();
    assert(months && years);
    const told = async (table: Locator) => await table.locator('tr').allInnerTexts();
    assert.deepEqual((await told(months)).slice(0, 3), [
      '2027-03\t1 certificate',
      '2027-04\t1 certificate',
      '2027-05\t0 certificates',
    ]);
    assert.equal((await told(months)).length, 13);
    assert.deepEqual((await told(years)).slice(0, 2), [
      '2027\t2 certificates, 1 of them ended',
      '2028\t0 certificates',
    ]);
    assert.deepEqual(await page.locator('#expiry-chart .note').allTextContents(), [
      '3 certificates end after Mar 2028.',
    ]);
    for (const chart of await page.locator('.columns').all()) {
      const [first, mark] = [await boxOf(chart.locator('rect').first()), await boxOf(chart.locator('line.today'))];
      // in the middle of March 2027, the first of the months and the first quarter of the first of the years
      assert(mark.x > first.x && mark.x < first.x + first.width, 'today is not in the first column');
    }
    assert.equal(await page.locator('.columns text.today').count(), 2);
  });

  it('sorts by the head that is pressed, and back when it is pressed again', async () => {
    const page = await open(few);
    const head = page.getByRole('columnheader', { name: 'User' });
    await head.getByRole('button').click();
    assert.deepEqual(await userNames(page.locator('.users')), ['CORP\\ann', 'CORP\\bob', 'CORP\\cleo']);
    assert.equal(await head.getAttribute('aria-sort'), 'ascending');
    await page.keyboard.press('Enter');
    assert.deepEqual(await userNames(page.locator('.users')), ['CORP\\cleo', 'CORP\\bob', 'CORP\\ann']);
    assert.equal(await head.getAttribute('aria-sort'), 'descending');
    await page.getByRole('columnheader', { name: 'First expiry' }).getByRole('button').click();
    assert.deepEqual(await userNames(page.locator('.users')), ['CORP\\bob', 'CORP\\ann', 'CORP\\cleo']);
    assert.equal(await head.getAttribute('aria-sort'), 'none');
  });

  it('searches as one types, and says how many users are left', async () => {
    const page = await open(few);
    await page.getByRole('searchbox').pressSequentially('pc-1');
    assert.deepEqual((await userNames(page.locator('.users'))).sort(), ['CORP\\ann', 'CORP\\bob']);
    assert.equal(await page.locator('.matches').textContent(), '2 of 3 users');
    await page.getByRole('searchbox').fill('nobody');
    assert.deepEqual(await userNames(page.locator('.users')), []);
  });

  it('shows the users with a finding when it is pressed', async () => {
    const page = await open(few);
    await page.locator('#finding-list').getByRole('button', { name: 'expired', exact: true }).click();
    assert.deepEqual(await userNames(page.locator('.users')), ['CORP\\bob']);
    await page.getByLabel('Finding').selectOption('All findings');
    assert.equal((await userNames(page.locator('.users'))).length, 3);
  });

  it('opens and closes the entries of a user by keyboard, and keeps them open when it sorts', async () => {
    const page = await open(few);
    const ann = page.getByRole('button', { name: 'CORP\\ann' }).and(page.locator('[aria-expanded]'));
    await ann.focus();
    await page.keyboard.press('Enter');
    assert.equal(await ann.getAttribute('aria-expanded'), 'true');
    const entries = await page.locator('.entries li').allInnerTexts();
    assert.equal(entries.length, 3);
    assert.match(entries[0] ?? '', /^PC-1\s+2024-05-06 to 2027-04-01\s+expiring/);
    assert.match(entries[1] ?? '', /Digest\s+[0-9a-f]{32}\s/);
    await page.getByRole('columnheader', { name: 'Size' }).getByRole('button').click();
    assert.equal(await page.locator('.entries li').count(), 3);
    await ann.focus();
    await page.keyboard.press('Space');
    assert.equal(await ann.getAttribute('aria-expanded'), 'false');
    assert.equal(await page.locator('.entries').count(), 0);
  });

  it('opens the user of a bar', async () => {
    const page = await open(few);
    await page.locator('#limit-chart').getByRole('button', { name: 'CORP\\bob' }).click();
    assert.deepEqual(await userNames(page.locator('.users')), ['CORP\\bob']);
    assert.deepEqual(await page.locator('.entries strong').allTextContents(), ['PC-10']);
  });

  it('keeps 10,000 users at hand without putting them all in the document', async () => {
    const page = await open(reportOf(manyUsers(10_000)));
    const rows = page.locator('.users tbody');
    assert.equal(await rows.count(), 100);
    await page.getByRole('button', { name: 'Show 100 more of 9,900 users' }).press('Enter');
    assert.equal(await rows.count(), 200);
    assert.equal(await rows.nth(100).locator('button:focus').count(), 1);
    await page.evaluate(`
      window.most = { rows: 0, elements: 0 };
      new MutationObserver(() => {
        window.most.rows = Math.max(window.most.rows, document.querySelectorAll('.users tbody').length);
        window.most.elements = Math.max(window.most.elements, document.querySelectorAll('*').length);
      }).observe(document.body, { childList: true, subtree: true });
    `);
    await page.getByRole('searchbox').pressSequentially('user12');
    for (const title of ['User', 'Certificates', 'Size', 'First expiry']) {
      await page.getByRole('columnheader', { name: title }).getByRole('button').click();
    }
    const most = await page.evaluate<{ rows: number; elements: number }>('window.most');
    assert.equal(most.rows, 100);
    assert(most.elements < 3_000, `${most.elements} elements`);
    await page.getByRole('searchbox').fill('pc-09876-0');
    assert.deepEqual(await userNames(page.locator('.users')), ['CORP\\user9876']);
    assert.equal(await page.locator('.matches').textContent(), '1 of 10,000 users');
  });

  it('shows hundreds of entries page by page', async () => {
    const certificates = Array.from({ length: 120 }, (_, index) => certificateFor(`PC-${index}`));
    const page = await open(reportOf([userNamed('installer', certificates)]));
    await page.locator('.user').click();
    assert.equal(await page.locator('.entries li').count(), 50);
    await page.getByRole('button', { name: 'Show 50 more of 70 certificates' }).click();
    await page.getByRole('button', { name: 'Show 20 more of 20 certificates' }).click();
    assert.equal(await page.locator('.entries li').count(), 120);
    assert.equal(await page.locator('.more:visible').count(), 0);
  });

  it('prints every user that is selected', async () => {
    const page = await open(reportOf(manyUsers(250)));
    await page.evaluate(
      'addEventListener("beforeprint", () => { window.onPaper = document.querySelectorAll(".users tbody").length })',
    );
    await page.pdf();
    assert.equal(await page.evaluate('window.onPaper'), 250);
    assert.equal(await page.locator('.users tbody').count(), 100);
  });

  it('is dark where the reader wants it dark', async () => {
    const page = await open(few);
    const ground = async () => await page.evaluate('getComputedStyle(document.body).backgroundColor');
    await page.emulateMedia({ colorScheme: 'light' });
    assert.equal(await ground(), 'rgb(245, 246, 247)');
    await page.emulateMedia({ colorScheme: 'dark' });
    assert.equal(await ground(), 'rgb(20, 23, 26)');
  });
});

async function boxOf(shown: Locator) {
  const box = await shown.boundingBox();
  assert(box !== null);
  return box;
}

async function userNames(table: Locator): Promise<string[]> {
  return await table.locator('.user').allInnerTexts();
}
