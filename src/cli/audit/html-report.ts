import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { replaceFile } from '../../files/output-file.ts';
import type { AuditReport, UserJson } from '../../inspect/audit/report.ts';
import type { PageData } from '../../report-page/data.ts';
import { count, counted, size } from '../../report-page/format.ts';
import { harmless } from '../../visible.ts';
import { packageFile } from '../package-root.ts';

/** The parts of the page that are the same in every report. */
export interface PageParts {
  script: string;
  style: string;
}

/**
 * Writes an audit as one HTML page that needs nothing besides itself. A file that is there already is replaced in one
 * step; only its owner can read the new one, for it lists accounts and machines.
 * @param parts the folder of the page's built script and style; else those of the package
 * @throws MsmqCertError disk-full, file-unwritable
 */
export async function writeHtmlReport(report: AuditReport, file: string, parts?: URL): Promise<void> {
  const read = (name: string) =>
    parts === undefined ? packageFile(`dist/report-page/${name}`) : readFileSync(new URL(name, parts), 'utf8');
  await replaceFile(file, htmlReport(report, { script: read('page.js'), style: read('page.css') }));
}

/**
 * The page as text. Its policy lets nothing run or apply but the script and the style it was made with, and nothing be
 * loaded; what comes from the directory is in it as JSON and as escaped text only.
 */
export function htmlReport(report: AuditReport, { script, style }: PageParts): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyFor({ script, style })}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>MSMQ certificates</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>MSMQ certificates</h1>
<dl class="origin">
${pairs(origin(report))}
</dl>
</header>
<main>
<dl class="totals">
${pairs(totals(report))}
</dl>
<noscript><p class="panel">The charts, the findings and the table of users need JavaScript.</p></noscript>
<div class="charts">
<section class="panel" id="limit-chart"><h2>Certificates per user</h2></section>
<section class="panel" id="expiry-chart"><h2>When certificates end</h2></section>
</div>
<section class="panel" id="finding-list"><h2>Findings</h2></section>
<div id="remarks"></div>
<section class="panel" id="user-table"><h2>Users with certificates or findings</h2></section>
</main>
<script type="application/json" id="data">${embedded(report)}</script>
<script>${script}</script>
</body>
</html>
`;
}

function policyFor({ script, style }: PageParts): string {
  return [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

/** How a policy names the one script or style that it allows. */
function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

/** What the reader sees as a name and a value; the values come from the directory. */
type Pair = [name: string, value: string];

function pairs(all: readonly Pair[]): string {
  return all.map(([name, value]) => `<div><dt>${name}</dt><dd>${escaped(value)}</dd></div>`).join('\n');
}

/** Who made the report, what from, when and by which measure. */
function origin({ origin, generatedAt, criteria }: AuditReport): Pair[] {
  const { directory, baseDn, account, scope, toolVersion, usersRead } = origin;
  const { maxCertificates, expiringWithinMs, machineInactiveMs } = criteria;
  return [
    ['Directory', directory],
    ['Base DN', baseDn ?? 'none, the whole file'],
    ['Read by', account ?? 'nobody was bound'],
    ['Read', `${counted(usersRead, 'user')} (${scope})`],
    ['Made', `${generatedAt.slice(0, 19).replace('T', ' ')} UTC`],
    ['Made with', `msmq-cert ${toolVersion}`],
    [
      'Measured by',
      `at most ${counted(maxCertificates, 'certificate')} a user; expiring within ${days(expiringWithinMs)}; machines inactive after ${days(machineInactiveMs)}`,
    ],
  ];
}

function days(ms: number): string {
  return counted(Math.ceil(ms / 86_400_000), 'day');
}

function totals({ summary, users, errors }: AuditReport): Pair[] {
  const troubled = users.flatMap(({ certificates }) => certificates).filter(({ findings }) => findings.length > 0);
  const all: Pair[] = [
    ['Users', count(summary.users)],
    ['Users with findings', count(users.filter(hasFindings).length)],
    ['Certificates', count(summary.certificates)],
    ['Certificates with findings', count(troubled.length)],
    ['Size of all certificates', size(summary.bytes)],
  ];
  return errors.length === 0 ? all : [...all, ['Users that could not be read', count(errors.length)]];
}

function hasFindings({ findings, certificates }: UserJson): boolean {
  return findings.length > 0 || certificates.some((certificate) => certificate.findings.length > 0);
}

/** The data as JSON that cannot end the element it is in, without characters that hide or reorder text. */
function embedded(page: PageData): string {
  const json = JSON.stringify(page, (_key, value: unknown) => (typeof value === 'string' ? harmless(value) : value));
  return json.replaceAll('<', '\\u003c');
}

function escaped(text: string): string {
  return harmless(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
