import type { UserFacts } from '../../judge/facts.ts';
import { type Criteria, capacityFinding, type UserFinding } from '../../judge/state.ts';
import type { UserPlan } from '../../plan/plan.ts';

/** How a user stands after a plan that came true, without reading him again. */
export function factsAfter(plan: UserPlan, before: UserFacts, criteria: Criteria, validForMs: number): UserFacts {
  const now = criteria.now.getTime();
  const kept = plan.items.flatMap((item) => (item.action === 'keep' ? [item.registered] : []));
  const added = plan.items.flatMap((item) => (item.action === 'add' ? [item.addition] : []));
  const certificates = kept.length + added.length;
  const capacity = capacityFinding(certificates / criteria.maxCertificates);
  const others = before.userFindings.filter((finding) => !isAboutCapacity(finding));
  return {
    account: before.account,
    ends: [
      ...kept.flatMap(({ facts }) => (facts.kind === 'certificate' ? facts.notAfter.getTime() : [])),
      ...added.flatMap(({ source, validForMs: own }) => (source.kind === 'external' ? [] : now + (own ?? validForMs))),
    ],
    findings: kept.flatMap(({ findings }) => findings),
    userFindings: capacity === null ? others : [...others, capacity],
    certificates,
  };
}

function isAboutCapacity(finding: UserFinding): boolean {
  return finding === 'near-capacity' || finding === 'over-capacity';
}
