import { DEFAULT_SUBJECT, parseSubjectTemplate, type SubjectTemplate } from '../certificate/subject.ts';
import type { KnownComputers, RecognitionRules } from './recognise.ts';
import type { Criteria } from './state.ts';

const EXPIRING_WITHIN_MS = 30 * 24 * 60 * 60 * 1000;

/** How certificates are recognised, as journals and plan files hold it: the conventions, and what was stated. */
export interface StatedRecognition {
  /** Subject templates; the first is that of new certificates. */
  subjects: string[];
  /** The machine of a certificate by its digest. */
  machinesOf: Record<string, string>;
}

/** The conventions by which subjects are read: the given ones, and ours. */
export function templatesOf(subjects: readonly string[] = []): SubjectTemplate[] {
  return [...new Set([...subjects, DEFAULT_SUBJECT])].map(parseSubjectTemplate);
}

export function rulesFrom({ subjects, machinesOf }: StatedRecognition, computers: KnownComputers): RecognitionRules {
  return {
    subjects: templatesOf(subjects),
    stated: new Map(Object.entries(machinesOf)),
    computers,
  };
}

/** How the state of a user is judged, today. */
export function criteriaToday(
  { subjects, stated, computers }: RecognitionRules,
  { maxCertificates }: Pick<Criteria, 'maxCertificates'>,
): Criteria {
  return { now: new Date(), expiringWithinMs: EXPIRING_WITHIN_MS, maxCertificates, subjects, stated, computers };
}
