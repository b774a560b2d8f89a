import type { Provenance } from '../../directory/directory.ts';
import type { MsmqCertError } from '../../errors.ts';
import type { Audited } from '../../inspect/audit/audit.ts';
import type { AuditSummary } from '../../inspect/audit/report.ts';
import { hasFindings } from '../../inspect/audit/tally.ts';
import type { AuditSettings } from './settings.ts';

/** One form of output. It takes the objects as they come. */
export interface AuditSink {
  add(audited: Audited): Promise<void>;
  /** @param failure what ended the audit before its end */
  end(summary: AuditSummary, failure: MsmqCertError | null): Promise<void>;
}

/** What is known of an audit before its first object. */
export interface AuditHead {
  directory: string;
  /** Nothing of it is known of a file. */
  provenance: Provenance;
  at: Date;
  notes: readonly string[];
}

/** Whether an object is worth a line: one without findings only is when all were asked for. */
export function isShown(audited: Audited, { all }: Pick<AuditSettings, 'all'>): boolean {
  return all || audited.kind === 'unread' || hasFindings(audited);
}
