import type { ObjectKind, User } from '../directory/directory.ts';
import { MsmqCertError } from '../errors.ts';

/** How a message calls the objects on which a queue manager keeps certificates of its own (specification §3). */
const QUEUE_MANAGERS: Partial<Record<ObjectKind, string>> = {
  computer: 'a computer',
  'managed-service-account': 'a managed service account',
};

/**
 * Refuses to take certificates from an object that is no user, unless the caller asked for such objects.
 * @throws MsmqCertError confirmation-needed
 */
export function requireUserObject({ account, kind = 'user' }: User, includeComputers: boolean): void {
  const what = QUEUE_MANAGERS[kind];
  if (what === undefined || includeComputers) return;
  throw new MsmqCertError(
    'confirmation-needed',
    `${account} is ${what}, and its queue manager may need what is there`,
    {
      hint: 'leave it out, or give --include-computers when you know that nothing needs its certificates',
    },
  );
}
