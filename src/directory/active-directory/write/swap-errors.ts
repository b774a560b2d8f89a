import { MAX_BLOB_BYTES } from '../../../blob/codec.ts';
import type { Change } from '../../../blob/pair.ts';
import { type ErrorCode, MsmqCertError } from '../../../errors.ts';
import type { SwapOutcome, User } from '../../directory.ts';
import { hostAndPort, isGlobalCatalog, type LdapAddress } from '../address.ts';
import { busy, diagnostic, Result, resultCode, schemaMissing } from '../errors.ts';

// Windows: error in attribute conversion operation; Samba: was not found in the schema
const NOT_IN_SCHEMA = /^00000057|not found in the schema/i;
// ERROR_DS_SINGLE_VALUE_CONSTRAINT: there is a blob already where none was read
const SECOND_VALUE = /^00002081/;

export interface RefusalContext {
  address: LdapAddress;
  writableServer(): Promise<string | null>;
}

/** What the server's refusal of a swap means (specification §6, §7). Whatever it is, nothing was written. */
export async function refusal(
  context: RefusalContext,
  user: User,
  change: Change,
  error: unknown,
): Promise<SwapOutcome> {
  const { address } = context;
  const said = diagnostic(error);
  const refused = (reason: MsmqCertError): SwapOutcome => ({ kind: 'refused', error: reason });
  switch (resultCode(error)) {
    case Result.noSuchAttribute:
      return NOT_IN_SCHEMA.test(said) ? refused(schemaMissing(address, error)) : { kind: 'conflict' };
    case Result.attributeOrValueExists:
      return { kind: 'conflict' };
    case Result.undefinedAttributeType:
      return refused(schemaMissing(address, error));
    case Result.insufficientAccessRights:
      return refused(accessDenied(user, error));
    case Result.referral:
      return refused(await notWritable(context, user, error));
    case Result.unwillingToPerform:
      return refused(
        isGlobalCatalog(address) ? await notWritable(context, user, error) : unexpected(address, user, error),
      );
    case Result.adminLimitExceeded:
      return refused(tooManyDigests(user, error));
    case Result.constraintViolation:
    case Result.invalidAttributeSyntax:
      if (SECOND_VALUE.test(said)) return { kind: 'conflict' };
      return refused(isTooLong(change) ? blobTooLong(user, change, error) : unexpected(address, user, error));
    case Result.noSuchObject:
      return refused(gone(user, error));
    case Result.busy:
    case Result.unavailable:
    case Result.timeLimitExceeded:
      return refused(busy(address, error));
    default:
      return refused(unexpected(address, user, error));
  }
}

function accessDenied(user: User, cause: unknown): MsmqCertError {
  const right = 'the right to write mSMQSignCertificates and mSMQDigests';
  return because(
    'access-denied',
    `no right to write the certificates of ${user.account}`,
    cause,
  )(
    user.protected
      ? `the account is protected (adminCount=1), so not even it has the right itself: bind as an administrator, or give ${right} on AdminSDHolder`
      : `bind as the user itself, or give the account ${right} on this user`,
  );
}

async function notWritable(context: RefusalContext, user: User, cause: unknown): Promise<MsmqCertError> {
  const at = hostAndPort(context.address);
  const refusedBy = because('referral', `${at} holds no writable copy of ${user.account}`, cause);
  if (isGlobalCatalog(context.address)) {
    return refusedBy('that is a global catalog port: use ldaps:// with port 636, or ldap:// with port 389');
  }
  const server = await context.writableServer().catch(() => null);
  return refusedBy(server === null ? 'write to a domain controller that is not read-only' : `write to ${server}`);
}

function tooManyDigests(user: User, cause: unknown): MsmqCertError {
  return because(
    'directory-limit',
    `${user.account} has as many certificates as Active Directory can hold`,
    cause,
  )('remove the ones no longer in use with prune or clear, then try again');
}

function isTooLong({ blob }: Change): boolean {
  return blob !== null && blob.length > MAX_BLOB_BYTES;
}

function blobTooLong(user: User, { blob }: Change, cause: unknown): MsmqCertError {
  const message = `the certificates of ${user.account} would take ${blob?.length ?? 0} bytes`;
  return because(
    'directory-limit',
    message,
    cause,
  )(`mSMQSignCertificates holds at most ${MAX_BLOB_BYTES}: remove the ones no longer in use with prune or clear`);
}

function gone(user: User, cause: unknown): MsmqCertError {
  return because(
    'user-not-found',
    `${user.account} is no longer in the directory`,
    cause,
  )('the user was deleted in the meantime, or this account may no longer see it');
}

function unexpected(address: LdapAddress, user: User, cause: unknown): MsmqCertError {
  const message = `${hostAndPort(address)} refused the write to ${user.account}: ${diagnostic(cause)}`;
  return because('directory-error', message, cause)("the text after the colon is the server's own");
}

function because(code: ErrorCode, message: string, cause: unknown): (hint: string) => MsmqCertError {
  return (hint) => new MsmqCertError(code, message, { hint, cause });
}
