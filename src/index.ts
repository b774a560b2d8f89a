/**
 * The public library. What is not listed here may change at any time.
 *
 * A run needs three things: a directory ({@link openDirectory}), targets ({@link newCertificates}) and {@link perform}.
 * @module
 */

export { type DecodedEntry, decode, type Entry, encode, MalformedBlobError } from './blob/codec.ts';
export { md5 } from './blob/digest.ts';
export { append, applyChange, newEntry, remove, replace } from './blob/edit.ts';
export type { EntryFinding } from './blob/findings.ts';
export { type Examination, type ExaminedEntry, examine } from './blob/findings.ts';
export { identifierText } from './blob/identifier.ts';
export type { Change, Pair } from './blob/pair.ts';
export { readExternalCertificate } from './certificate/external.ts';
export type { HashName, Issued, KeySize } from './certificate/issue.ts';
export { type IssueRequest, issueCertificate } from './certificate/issue.ts';
export type { Custody, KeyHandover, KeySink } from './certificate/key-files/custody.ts';
export type { KeyFiles } from './certificate/key-files/key-files.ts';
export type { NameAttribute, RelativeName } from './certificate/names.ts';
export type { PfxContent } from './certificate/pkcs12/pkcs12.ts';
export { buildPfx } from './certificate/pkcs12/pkcs12.ts';
export type { PfxEncryption } from './certificate/pkcs12/protection.ts';
export type { Sealing, SealPadding } from './certificate/sealing/envelope.ts';
export { type Recipient, readRecipient } from './certificate/sealing/recipient.ts';
export type { AttributeTemplate, Owner, SubjectTemplate } from './certificate/subject.ts';
export { DEFAULT_SUBJECT, formatName, parseSubjectTemplate, readSubject } from './certificate/subject.ts';
export type { TemplateAttribute, TemplatePart } from './certificate/subject-template.ts';
export type { DescribedCertificate } from './certificate/x509/describe.ts';
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
  Provenance,
  Scope,
  Surrounding,
  Survey,
  SwapOutcome,
  User,
} from './directory/directory.ts';
export type { LdifDirectory, LdifFileOptions } from './directory/ldif/ldif-file.ts';
export { openLdifFile } from './directory/ldif/ldif-file.ts';
export type { OpenDirectory } from './directory/open.ts';
export { openDirectory, type ServerAccess } from './directory/open.ts';
export type { Replica, ReplicaReading, Replicated, Stamp, Stamps } from './directory/replicas.ts';
export type { ErrorDetails } from './errors.ts';
export { type ErrorCode, MsmqCertError } from './errors.ts';
export type { Journal } from './journal/write.ts';
export type { Evidence, KnownComputers, Recognition, RecognitionRules } from './judge/recognise.ts';
export type {
  CertificateFinding,
  DecodedState,
  MachineFinding,
  MalformedState,
  Registered,
  UserFinding,
} from './judge/state.ts';
export { assess, type Criteria, type UserState } from './judge/state.ts';
export type {
  Addition,
  DesiredEntry,
  DesiredPair,
  DigestItem,
  PlanItem,
  Planner,
  Source,
  UserPlan,
  Verdict,
} from './plan/plan.ts';
export type { Request, Target, Wanted } from './plan/request.ts';
export type { Delivery, ItemResult, LeftKeys, Summary, UserResult } from './plan/results.ts';
export type { SharedDigestGuard } from './plan/shared-digests.ts';
export type { RegisterMode } from './plan/verbs/register.ts';
export { registerPlanner } from './plan/verbs/register.ts';
export type { RenewRequest, RenewScope } from './plan/verbs/renew.ts';
export { renewPlanner } from './plan/verbs/renew.ts';
export { type ApplyContext, applyToUser } from './run/apply.ts';
export { DEFAULT_KEYS } from './run/key-policy.ts';
export type { KeyPolicy, MakePfx } from './run/keys.ts';
export { newCertificates, type Performance, type PerformOptions, perform } from './run/perform.ts';
export type { UnknownUser } from './run/run.ts';
