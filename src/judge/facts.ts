import type { FindingCode, UserFinding, UserState } from './state.ts';

/** What counts of a user once the blob is forgotten: a few numbers, however large it was. */
export interface UserFacts {
  account: string;
  /** When each certificate ends, in milliseconds since 1970. What is no certificate has no end. */
  ends: number[];
  /** Of the certificates, each as often as it was found. */
  findings: FindingCode[];
  /** Of the user as a whole. */
  userFindings: UserFinding[];
  certificates: number;
}

export function factsOf(state: UserState): UserFacts {
  const entries = state.kind === 'decoded' ? state.entries : [];
  return {
    account: state.user.account,
    ends: entries.flatMap(({ facts }) => (facts.kind === 'certificate' ? facts.notAfter.getTime() : [])),
    findings: entries.flatMap(({ findings }) => findings),
    userFindings: [...state.findings],
    certificates: Math.max(entries.length, state.pair.digests.length),
  };
}
