import { sameMachine } from '../certificate/machine.ts';
import { formatName, readSubject, type SubjectTemplate } from '../certificate/subject.ts';
import type { DescribedCertificate } from '../certificate/x509/describe.ts';
import { MsmqCertError } from '../errors.ts';
import type { Session } from '../native/windows/session.ts';

/** Whose a certificate is said to be on the command line; null where nothing was said. */
export interface StatedOwner {
  /** DOMAIN\user, or the bare name. */
  user: string | null;
  machine: string | null;
}

/**
 * Demands that a certificate is for the account and the machine of this session: by its subject, or else as it was stated.
 * @param source names the certificate in errors
 * @throws MsmqCertError wrong-owner
 */
export function demandOwner(
  { subject }: Pick<DescribedCertificate, 'subject'>,
  session: Session,
  stated: StatedOwner,
  templates: readonly SubjectTemplate[],
  source: string,
): void {
  const named = readSubject(templates, subject);
  const user = named?.account ?? stated.user;
  const machine = named?.machine ?? stated.machine;
  if (user === null || machine === null) {
    const missing = user === null ? '--user and --machine' : '--machine';
    throw new MsmqCertError(
      'wrong-owner',
      `${source} does not say whom it is for: its subject is ${formatName(subject)}`,
      {
        hint: `say it with ${missing}, or name the convention of its subject with --subject`,
      },
    );
  }
  if (
    (stated.user !== null && !sameAccount(stated.user, user)) ||
    (stated.machine !== null && !sameMachine(stated.machine, machine))
  ) {
    const said = `${stated.user ?? user} on ${stated.machine ?? machine}`;
    throw wrongOwner(`${source} is for ${user} on ${machine} by its subject, and ${said} was stated`);
  }
  const [here = ''] = session.machines;
  if (!sameAccount(user, session.account)) {
    throw wrongOwner(`${source} is for ${user}, and this is a session of ${session.account}`);
  }
  if (!isHere(machine, session)) throw wrongOwner(`${source} is for the machine ${machine}, and this one is ${here}`);
}

/** Whether a name is one of this machine; a fully qualified one is told from that of a machine elsewhere. */
export function isHere(machine: string, { machines }: Session): boolean {
  const qualified = machines.filter((each) => each.includes('.'));
  const comparable = machine.includes('.') && qualified.length > 0 ? qualified : machines;
  return comparable.some((each) => sameMachine(each, machine));
}

/** A bare name equals the account of that name in any domain. */
export function sameAccount(a: string, b: string): boolean {
  const [one, other] = [a, b].map((each) => each.toLowerCase());
  if (one === undefined || other === undefined) return false;
  const bare = (account: string) => account.slice(account.indexOf('\\') + 1);
  return one === other || (one.includes('\\') !== other.includes('\\') && bare(one) === bare(other));
}

function wrongOwner(message: string): MsmqCertError {
  return new MsmqCertError('wrong-owner', message, {
    hint: 'take the PFX that is for this account and this machine, or run the command where it belongs',
  });
}
