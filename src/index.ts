/**
 * The public library. What is not listed here may change at any time.
 *
 * A run needs three things: a directory ({@link openDirectory}), targets ({@link newCertificates}) and {@link perform}.
 * @module
 */

export { type DecodedEntry, decode, type Entry, encode, MalformedBlobError } from './blob/codec.ts';
export { md5 } from './blob/digest.ts';
export { append, applyChange, newEntry, remove, replace } from './blob/edit.ts';
export { type Examination, type ExaminedEntry, examine } from './blob/findings.ts';
export { identifierText } from './blob/identifier.ts';
export type { Change, Pair } from './blob/pair.ts';
export { readExternalCertificate } from './certificate/external.ts';
export { type IssueRequest, issueCertificate } from './certificate/issue.ts';
export { buildPfx } from './certificate/pkcs12/pkcs12.ts';
export { DEFAULT_SUBJECT, formatName, parseSubjectTemplate, readSubject } from './certificate/subject.ts';
export { type CertificateFacts, describeCertificate } from './certificate/x509/describe.ts';
export {
  type ActiveDirectory,
  type ConnectionOptions,
  connectActiveDirectory,
} from './directory/active-directory/active-directory.ts';
export type { Credentials } from './directory/active-directory/connect/connection.ts';
export type { Trust } from './directory/active-directory/connect/tls.ts';
export type {
  Computer,
  DigestHolders,
  Directory,
  Listed,
  Listing,
  ObjectKind,
  Scope,
  Survey,
  SwapOutcome,
  User,
} from './directory/directory.ts';
export { openLdifFile } from './directory/ldif/ldif-file.ts';
export { openDirectory, type ServerAccess } from './directory/open.ts';
export { type ErrorCode, MsmqCertError } from './errors.ts';
export { assess, type Criteria, type UserState } from './judge/state.ts';
export type { Planner, UserPlan } from './plan/plan.ts';
export type { Request, Target, Wanted } from './plan/request.ts';
export type { ItemResult, Summary, UserResult } from './plan/results.ts';
export { registerPlanner } from './plan/verbs/register.ts';
export { renewPlanner } from './plan/verbs/renew.ts';
export { type ApplyContext, applyToUser } from './run/apply.ts';
export type { KeyPolicy } from './run/keys.ts';
export { DEFAULT_KEYS, newCertificates, type Performance, type PerformOptions, perform } from './run/perform.ts';
export type { UnknownUser } from './run/run.ts';
