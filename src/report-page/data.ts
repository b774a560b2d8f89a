import type { AuditReport } from '../inspect/audit/report.ts';

/**
 * What is embedded in the page as JSON. Its text comes from the directory and is hostile, but has no characters left in
 * it that hide or reorder text.
 */
export type PageData = AuditReport;
