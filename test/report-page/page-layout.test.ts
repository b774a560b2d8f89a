import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Browser } from 'playwright-core';
import { openReport, startBrowser } from './browser.ts';
import { certificateFor, few, manyUsers, reportOf, userNamed } from './sample.ts';

const widths = [375, 800, 1400];

/** How the page looks at the widths of a telephone, half a screen and a whole one. */
describe('the layout of the page of an HTML report', () => {
  let browser: Browser;

  before(async () => {
    browser = await startBrowser();
  });

  after(async () => {
    await browser.close();
  });

  for (const width of widths) {
    it(`fits a window of ${width} pixels, whatever the length of names`, async () => {
      const name = 'a'.repeat(300);
      const long = userNamed(name, [certificateFor(name)], {
        findings: ['protected-account'],
        remedies: [{ kind: 'run', command: `msmq-cert repair ${name}`, findings: ['protected-account'] }],
      });
      const { page, close } = await openReport(browser, reportOf([long, ...manyUsers(20)]));
      try {
        await page.setViewportSize({ width, height: 800 });
        for (const user of (await page.locator('.user').all()).slice(0, 3)) await user.click();
        assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width);
        const outside = await page.evaluate(`[...document.querySelectorAll('main *')]
          .filter((each) => !each.closest('.for-screen-readers'))
          .filter((each) => each.getBoundingClientRect().right > innerWidth + 1).length`);
        assert.equal(outside, 0);
      } finally {
        await close();
      }
    });

    it(`keeps names, findings and tiles in one piece at ${width} pixels`, async () => {
      const { page, close } = await openReport(browser, few);
      try {
        await page.setViewportSize({ width, height: 800 });
        for (const text of await page.locator('.users .user, .findings th[scope=row] .tag').all()) {
          const box = await text.boundingBox();
          assert(box !== null && box.height < 32, `${await text.textContent()} takes ${box?.height} pixels of height`);
        }
        const borders = await page.evaluate<string[]>(`[...document.querySelectorAll('.totals, .totals div')]
          .map((each) => getComputedStyle(each).borderWidth)`);
        assert.deepEqual(borders, ['0px', ...Array.from({ length: borders.length - 1 }, () => '1px')]);
      } finally {
        await close();
      }
    });

    for (const colorScheme of ['light', 'dark'] as const) {
      it(`gives axe nothing to find at ${width} pixels, ${colorScheme}`, async () => {
        const { page, close } = await openReport(browser, few);
        try {
          await page.emulateMedia({ colorScheme });
          await page.setViewportSize({ width, height: 800 });
          for (const user of await page.locator('.user').all()) await user.click();
          const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
          await page.evaluate(await readFile(axe, 'utf8'));
          const { violations, passes } = await page.evaluate<AxeResults>('axe.run()');
          assert.deepEqual(
            violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]),
            [],
          );
          assert(passes.some(({ id }) => id === 'color-contrast'));
        } finally {
          await close();
        }
      });
    }
  }

  it('keeps the heads of the columns in sight, above the rows that pass below them', async () => {
    const { page, close } = await openReport(browser, reportOf(manyUsers(60)));
    try {
      const tops = await page.evaluate<boolean[]>(`[...document.querySelectorAll('.user')].slice(5, 25).map((user) => {
        scrollBy(0, user.getBoundingClientRect().top - 4);
        const { left } = user.getBoundingClientRect();
        return [4, 20].every((right) => document.elementFromPoint(left + right, 12).closest('thead') !== null);
      })`);
      assert.deepEqual([...new Set(tops)], [true]);
    } finally {
      await close();
    }
  });
});
