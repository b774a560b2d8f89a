import { bytesAt } from '../library.ts';
import type { GssBuffer, GssLibrary } from './gssapi-library.ts';
import type { KerberosFailure, KerberosProblem } from './problems.ts';

/** Errors of the GSS-API itself (RFC 2744 §3.9.1): bits 16 to 23 of the major status. */
const MAJOR: Readonly<Record<number, KerberosProblem>> = {
  7: 'no-ticket',
  11: 'ticket-expired',
  12: 'ticket-expired',
};

/** Where the numbers of Kerberos begin, in MIT Kerberos and in Heimdal (the table "krb5" of their error codes). */
const KRB5_BASE = -1765328384;
const KRB5_NUMBERS = 256;

/** Errors of Kerberos, by their distance from KRB5_BASE; up to 127 they are those of the protocol (RFC 4120 §7.5.9). */
const MINOR: Readonly<Record<number, KerberosProblem>> = {
  1: 'account-unusable',
  6: 'account-unknown',
  7: 'service-unknown',
  18: 'account-unusable',
  23: 'password-expired',
  24: 'wrong-key',
  31: 'wrong-key',
  32: 'ticket-expired',
  33: 'clock-skew',
  37: 'clock-skew',
  68: 'realm-unknown',
  // KRB5_CC_NOTFOUND, KRB5_CC_END: the principal has no ticket in the cache
  141: 'no-ticket',
  142: 'no-ticket',
  // KRB5_KDCREP_SKEW
  148: 'clock-skew',
  // KRB5_REALM_UNKNOWN (no KDC is known for it), KRB5_KDC_UNREACH, KRB5_REALM_CANT_RESOLVE
  154: 'kdc-unreachable',
  156: 'kdc-unreachable',
  220: 'kdc-unreachable',
  // KRB5_KT_NOTFOUND
  181: 'wrong-key',
  // KRB5_KT_BADNAME, KRB5_KT_UNKNOWN_TYPE, KRB5_KT_IOERR, KRB5_KEYTAB_BADVNO, KRB5_KT_FORMAT
  179: 'keytab-unreadable',
  180: 'keytab-unreadable',
  184: 'keytab-unreadable',
  213: 'keytab-unreadable',
  235: 'keytab-unreadable',
  // KRB5_CC_IO, KRB5_FCC_PERM, KRB5_FCC_NOFILE, KRB5_CC_FORMAT
  193: 'no-ticket',
  194: 'no-ticket',
  195: 'no-ticket',
  199: 'no-ticket',
  // KRB5_ERR_HOST_REALM_UNKNOWN, KRB5_CONFIG_NODEFREALM, KRB5_ERR_NUMERIC_REALM
  217: 'realm-unknown',
  224: 'realm-unknown',
  243: 'realm-unknown',
};

/** What a failed call says: what it means by its numbers, and the library's own words for the reader of the rest. */
export function gssFailure(gss: GssLibrary, major: number, minor: number): KerberosFailure {
  return {
    problem: problemOf(major, minor),
    library: 'gssapi',
    status: `major ${hex(major)}, minor ${minor | 0}`,
    words: [words(gss, major, GSS_CODE), words(gss, minor, MECHANISM_CODE)].filter((text) => text !== '').join(': '),
  };
}

/** The minor status says more, where it is one of Kerberos: "no credentials" is also what a refusal of the KDC ends in. */
export function problemOf(major: number, minor: number): KerberosProblem {
  const number = (minor | 0) - KRB5_BASE;
  if (number > 0 && number < KRB5_NUMBERS) return MINOR[number] ?? 'other';
  return MAJOR[(major >>> 16) & 0xff] ?? 'other';
}

const GSS_CODE = 1;
const MECHANISM_CODE = 2;

function words(gss: GssLibrary, status: number, type: number): string {
  const output: Partial<GssBuffer> = {};
  gss.displayStatus([0], status, type, gss.mechanism, [0], output);
  const text = bytesAt(gss.koffi, output.value ?? null, Number(output.length ?? 0)).toString();
  if (output.value) gss.releaseBuffer([0], output);
  return text;
}

function hex(status: number): string {
  return `0x${status.toString(16).padStart(8, '0')}`;
}
