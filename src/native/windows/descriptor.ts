/** How Windows writes that everybody may do everything. */
const NO_LIST = /^(?!.*D:)|D:[A-Z]*NO_ACCESS_CONTROL/;

/** One entry of a list; those with a condition hold further brackets, and are taken for somebody's access. */
const ENTRY = /\(([^()]*)\)/g;

/**
 * Whom a security descriptor, as SDDL text with its DACL alone, gives access to besides `ours`: SIDs or their two
 * letters, `everybody` where there is no list.
 */
export function othersIn(sddl: string, ours: ReadonlySet<string>): string[] {
  if (NO_LIST.test(sddl)) return ['everybody'];
  const accounts = [...sddl.matchAll(ENTRY)].flatMap(([, entry = '']) => {
    const [type, , , , , account = 'everybody'] = entry.split(';');
    return type === 'D' || type === 'OD' || ours.has(account) ? [] : [account];
  });
  return [...new Set(accounts)];
}
