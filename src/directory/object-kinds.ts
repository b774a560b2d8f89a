import type { Computer, ObjectKind } from './directory.ts';

const SERVICE_ACCOUNTS = [
  'msds-managedserviceaccount',
  'msds-groupmanagedserviceaccount',
  'msds-delegatedmanagedserviceaccount',
];

/** The kind of an object by its object classes; service accounts are computers too ([MS-ADSC]). */
export function objectKindOf(objectClasses: readonly string[]): ObjectKind {
  const classes = objectClasses.map((name) => name.toLowerCase());
  if (classes.some((name) => SERVICE_ACCOUNTS.includes(name))) return 'managed-service-account';
  if (classes.includes('computer')) return 'computer';
  return classes.includes('msmqmigrateduser') ? 'migrated-user' : 'user';
}

/** The attributes that {@link computerOf} looks at. */
export const COMPUTER_ATTRIBUTES = ['sAMAccountName', 'cn', 'dNSHostName', 'userAccountControl', 'lastLogonTimestamp'];

const ACCOUNT_DISABLED = 0x2;

/** A computer account from the text of its attributes; null when it has no name. */
export function computerOf(textOf: (attribute: string) => string | null): Computer | null {
  const account = textOf('sAMAccountName');
  if (account === null || account === '') return null;
  return {
    name: account.replace(/\$$/, ''),
    commonName: textOf('cn') || null,
    dnsName: textOf('dNSHostName') || null,
    disabled: (Number(textOf('userAccountControl')) & ACCOUNT_DISABLED) !== 0,
    lastLogon: dateOfFileTime(textOf('lastLogonTimestamp')),
  };
}

const INTERVALS_PER_MS = 10_000n;
/** From 1601, where FILETIME begins, to 1970 ([MS-DTYP] 2.3.3). */
const MS_BEFORE_1970 = 11_644_473_600_000n;

/** Hundreds of nanoseconds since 1601; zero and the largest value mean never. */
function dateOfFileTime(text: string | null): Date | null {
  if (text === null || !/^\d{1,19}$/.test(text) || /^0+$/.test(text)) return null;
  const date = new Date(Number(BigInt(text) / INTERVALS_PER_MS - MS_BEFORE_1970));
  return date.getUTCFullYear() > 9999 || Number.isNaN(date.getTime()) ? null : date;
}
