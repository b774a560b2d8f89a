import type { ErrorCode } from '../../errors.ts';
import type { FindingCode } from '../../judge/state.ts';
import type { ItemResult } from '../../plan/results.ts';

/** What a metrics file says of one run. */
export interface Figures {
  command: string;
  /** In milliseconds since 1970. */
  begunAt: number;
  maxCertificates: number;
  users: number;
  nearCapacity: number;
  actions: Map<ItemResult['action'], number>;
  errors: Map<ErrorCode, number>;
  findings: Map<FindingCode, number>;
  /** For each certificate how long it is still valid, in seconds; less than 0 for an expired one. */
  remaining: number[];
  /** How many certificates the largest accounts have. */
  largest: Map<string, number>;
  isJournalUnfinished: boolean;
  isSuccess: boolean;
  /** Whether all users were seen that the run is for. */
  isComplete: boolean;
}

export function noFigures(command: string, maxCertificates: number): Figures {
  return {
    command,
    begunAt: Date.now(),
    maxCertificates,
    users: 0,
    nearCapacity: 0,
    actions: new Map(),
    errors: new Map(),
    findings: new Map(),
    remaining: [],
    largest: new Map(),
    isJournalUnfinished: false,
    isSuccess: false,
    isComplete: true,
  };
}
