import type { CertificateJson, ReportedUser } from '../inspect/audit/report.ts';
import { element } from './dom.ts';
import { count, counted, day, size } from './format.ts';
import { inPages } from './pages.ts';
import { remedyList } from './remedies.ts';
import { findingTag } from './tags.ts';

/** A user may hold hundreds of certificates. */
const PAGE_SIZE = 50;

/** Everything known about one user: who it is, then an entry a certificate. */
export function userDetails(user: ReportedUser): HTMLElement {
  const entries = element('ol', { class: 'entries' });
  const { more } = inPages(entries, user.certificates, PAGE_SIZE, 'certificates', entry);
  return element('div', { class: 'details' }, identity(user), ...remedyList(user.remedies), entries, more);
}

function identity({ dn, sid, kind, blobBytes, certificates, orphanDigests }: ReportedUser): HTMLElement {
  return descriptions([
    ['Name', dn],
    ['SID', sid],
    ['Kind', kind === undefined || kind === 'user' ? null : kind.replaceAll('-', ' ')],
    ['Stored', `${counted(certificates.length, 'certificate')}, ${count(blobBytes)} bytes`],
    ['Orphan digests', orphanDigests.length === 0 ? null : orphanDigests.join(' '), 'exact'],
  ]);
}

function entry(certificate: CertificateJson): HTMLElement {
  const { digest, identifier, machine, account, notBefore, notAfter, findings } = certificate;
  const title = machine ?? account ?? (certificate.subject === null ? 'No certificate' : 'No machine in the subject');
  const validity = notBefore === null || notAfter === null ? '' : `${day(notBefore)} to ${day(notAfter)}`;
  return element(
    'li',
    { tabindex: '-1' },
    element(
      'p',
      { class: 'entry-head' },
      element('strong', {}, title),
      element('span', { class: 'validity' }, validity),
      ...findings.map((code) => findingTag(code, code)),
    ),
    descriptions([
      ['Subject', certificate.subject, 'wide'],
      ['Issuer', certificate.issuer === certificate.subject ? null : certificate.issuer, 'wide'],
      ['Digest', digest, 'exact'],
      ['Key', keyText(certificate)],
      ['Identifier', identifier, 'exact'],
      ['Serial', certificate.serialNumber, 'exact'],
    ]),
  );
}

function keyText({ keyBits, signatureAlgorithm, bytes }: CertificateJson): string {
  const key = keyBits === null ? [] : [`${keyBits} bits`];
  return [...key, ...(signatureAlgorithm === null ? [] : [signatureAlgorithm]), size(bytes)].join(', ');
}

/** A name, its value and how to set it: long ones are `wide`, digits to compare are `exact`. */
type Description = [name: string, value: string | null, style?: 'wide' | 'exact'];

/** Those without a value are left out. */
function descriptions(all: readonly Description[]): HTMLElement {
  const pairs = all.flatMap(([name, value, style = 'plain']) =>
    value === null ? [] : [element('dt', {}, name), element('dd', { class: style }, shortened(value))],
  );
  return element('dl', {}, ...pairs);
}

const LONG = 600;
const BEGINNING = 100;

/** What would fill the screen is folded behind its beginning. */
function shortened(value: string): Node | string {
  if (value.length <= LONG) return value;
  const beginning = [...value.slice(0, LONG)].slice(0, BEGINNING).join('');
  return element('details', {}, element('summary', {}, `${beginning}…`), value);
}
