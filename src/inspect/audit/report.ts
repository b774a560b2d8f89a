/** One certificate in the documents of list and audit; the facts are null when the entry holds no certificate. */
export interface CertificateJson {
  /** 32 hexadecimal digits. */
  digest: string;
  identifier: string;
  account: string | null;
  machine: string | null;
  subject: string | null;
  issuer: string | null;
  serialNumber: string | null;
  /** ISO 8601. */
  notBefore: string | null;
  notAfter: string | null;
  keyBits: number | null;
  signatureAlgorithm: string | null;
  bytes: number;
  findings: readonly string[];
}

/** One user in the documents of list and audit. */
export interface UserJson {
  user: string;
  dn: string;
  sid: string | null;
  /** Computers and service accounts are marked; without this field it is a user. */
  kind?: 'user' | 'computer' | 'managed-service-account' | 'migrated-user';
  blobBytes: number;
  certificates: readonly CertificateJson[];
  orphanDigests: readonly string[];
  /** What is said about the user as a whole; each certificate has its own findings. */
  findings: readonly string[];
}

/** The totals of an audit. A finding about a certificate counts once a certificate, one about a user once a user. */
export interface AuditSummary {
  users: number;
  certificates: number;
  bytes: number;
  /** By code; a code that was not found is not there. */
  findings: Record<string, number>;
}

/** What the findings were measured against. Durations are in milliseconds. */
export interface AuditCriteria {
  maxCertificates: number;
  maxBlobBytes: number;
  expiringWithinMs: number;
  machineInactiveMs: number;
}

/** What helps against findings of one user: a command line for a POSIX shell, or the section of docs/findings.md. */
export type Remedy =
  | { kind: 'run'; command: string; findings: readonly string[] }
  | { kind: 'read'; section: string; findings: readonly string[] };

export interface ReportedUser extends UserJson {
  /** Each command and each section once. */
  remedies: readonly Remedy[];
}

/** Who made a report, and from what. */
export interface ReportOrigin {
  /** The server or file that was read. */
  directory: string;
  /** The part of the directory that was read; null for all of a file. */
  baseDn: string | null;
  /** Who was bound; null for a file. */
  account: string | null;
  /** Which objects were asked for, such as `every user`. */
  scope: string;
  toolVersion: string;
  /** Those that could not be read are not among them. */
  usersRead: number;
}

/** Everything an HTML report shows. */
export interface AuditReport {
  /** ISO 8601. */
  generatedAt: string;
  origin: ReportOrigin;
  criteria: AuditCriteria;
  summary: AuditSummary;
  /** What could not be checked, one sentence each; empty when everything was. */
  notes: readonly string[];
  /** Every user with at least one certificate or finding. */
  users: readonly ReportedUser[];
  /** Users that could not be read. */
  errors: readonly { user: string; code: string; message: string; hint: string | null }[];
  /** How many certificates end in which month, in order; `month` is YYYY-MM. */
  expiryByMonth: readonly { month: string; count: number }[];
}
