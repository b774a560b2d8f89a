import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { writeHtmlReport } from '../../src/cli/audit/html-report.ts';
import type { AuditReport } from '../../src/inspect/audit/report.ts';

export const builtParts = new URL('../../dist/report-page/', import.meta.url);

/** Debian's browser, without what it would do on the network by itself. */
export async function startBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export interface OpenedReport {
  page: Page;
  /** What the browser complained about: errors of the script and violations of the policy. */
  complaints: string[];
  /** Every address that was asked for besides the page itself. */
  requests: string[];
  close(): Promise<void>;
}

/** Writes a report and opens it from the disk, as its reader would. */
export async function openReport(browser: Browser | BrowserContext, report: AuditReport): Promise<OpenedReport> {
  const folder = await mkdtemp(join(tmpdir(), 'msmq-cert-report-'));
  const file = join(folder, 'report.html');
  await writeHtmlReport(report, file, builtParts);
  const page = await browser.newPage();
  const address = pathToFileURL(file).href;
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('request', (request) => {
    if (request.url() !== address) requests.push(request.url());
  });
  await page.goto(address);
  return {
    page,
    complaints,
    requests,
    async close() {
      await page.close();
      await rm(folder, { recursive: true });
    },
  };
}
