import type { Change, Pair } from '../../blob/pair.ts';
import { MsmqCertError, toMsmqCertError } from '../../errors.ts';
import { createGrowingFile } from '../../files/append-file.ts';
import { type Directory, type User, withSwap } from '../directory.ts';
import { ldifAttribute, ldifBinary } from './ldif.ts';

/**
 * One change as an LDIF record for ldapmodify and ldifde: the compare-and-swap of specification §7 in one modify. It
 * ends with a blank line; empty when the change changes nothing. There is no `version: 1` above it, which RFC 2849 asks
 * for and neither program needs: records can so be joined and split freely.
 */
export function changeRecord(dn: string, before: Pair, change: Change): string {
  const sections = [
    section('delete', 'mSMQSignCertificates', before.blob === null ? [] : [before.blob]),
    section('add', 'mSMQSignCertificates', change.blob === null ? [] : [change.blob]),
    section('delete', 'mSMQDigests', change.digestsToDelete),
    section('add', 'mSMQDigests', change.digestsToAdd),
  ].join('');
  return sections === '' ? '' : `${ldifAttribute('dn', dn)}changetype: modify\n${sections}\n`;
}

function section(operation: 'add' | 'delete', attribute: string, values: Uint8Array[]): string {
  if (values.length === 0) return '';
  return `${operation}: ${attribute}\n${values.map((value) => ldifBinary(attribute, value)).join('')}-\n`;
}

/**
 * The same directory, with every swap appended to a new file as a change record. `also-write` swaps and records what was
 * swapped; `only-record` writes nothing to the directory and answers `swapped`.
 * @throws MsmqCertError file-exists, file-unwritable; from a swap also disk-full
 */
export function recordChanges(directory: Directory, file: string, mode: 'also-write' | 'only-record'): Directory {
  const append = createGrowingFile(file, 'name a new file for the changes, or move the old one away');
  const only: Directory['swap'] = async (user, before, change) => {
    await append(changeRecord(user.dn, before, change));
    return { kind: 'swapped' };
  };
  const also: Directory['swap'] = async (user, before, change) => {
    const outcome = await directory.swap(user, before, change);
    if (outcome.kind !== 'swapped') return outcome;
    await append(changeRecord(user.dn, before, change)).catch((error: unknown) => {
      throw notRecorded(user, toMsmqCertError(error));
    });
    return outcome;
  };
  return withSwap(directory, mode === 'also-write' ? also : only);
}

function notRecorded(user: User, cause: MsmqCertError): MsmqCertError {
  const message = `${user.account} is changed in the directory, but the change is not recorded: ${cause.message}`;
  return new MsmqCertError(cause.code, message, { cause, ...(cause.hint && { hint: cause.hint }) });
}
