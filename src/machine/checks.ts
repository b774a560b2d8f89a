import { type Finding, failed, make, ok, type Report, warning } from '../directory/active-directory/check/checks.ts';
import type { WindowsCalls } from '../native/windows/calls.ts';
import { type MsmqFacts, readMsmqFacts } from '../native/windows/msmq.ts';
import { profileKind, readSession } from '../native/windows/session.ts';
import { tryKeys } from '../native/windows/trial.ts';

/** Checks what signing depends on, on this machine and for the account of this process. Changes nothing that stays. */
export async function checkMachine(calls: WindowsCalls, report: Report): Promise<void> {
  await make(report, 'session', async () => {
    const { account, machines } = readSession(calls);
    return ok(`${account} on ${machines.join(', ')}`);
  });
  await make(report, 'profile', async () => profileFinding(profileKind(calls)));
  await make(report, 'keys', async () => {
    tryKeys(calls);
    return ok('this logon can use the keys of its own account, and they sign with SHA-512');
  });
  for (const check of msmqChecks(readMsmqFacts(calls))) report(check);
}

function profileFinding(kind: ReturnType<typeof profileKind>): Finding {
  if (kind === 'usual') return ok('the profile is loaded, and no temporary one');
  return failed(
    `the profile is a ${kind} one, so keys are lost at logoff`,
    'give the account a profile that keeps changes',
  );
}

/** What the facts mean, by the documents; no Windows was seen with it. */
export function msmqChecks({ service, workgroup, weakHashes, storage }: MsmqFacts) {
  if (service === 'missing') {
    const hint = 'install the feature Message Queuing where messages are sent from; elsewhere this is as it should be';
    return [{ name: 'msmq-service' as const, ...warning('MSMQ is not installed on this machine', hint) }];
  }
  return [
    { name: 'msmq-service' as const, ...serviceFinding(service) },
    { name: 'domain-mode' as const, ...modeFinding(workgroup) },
    { name: 'weak-hashes' as const, ...hashFinding(weakHashes) },
    { name: 'storage' as const, ...storageFinding(storage) },
  ];
}

function serviceFinding(service: Exclude<MsmqFacts['service'], 'missing'>): Finding {
  if (service === 'running') return ok('the service MSMQ runs');
  if (service === 'stopped')
    return failed('the service MSMQ does not run', 'start it: Start-Service MSMQ, as an administrator');
  return warning('this account may not ask whether the service MSMQ runs', 'ask as an administrator: Get-Service MSMQ');
}

/** Where the values are from that tell of workgroup mode, and what is said of the rights: nobody has documented them. */
const REPORTED = "by practitioners' reports";

function modeFinding(workgroup: boolean | null): Finding {
  if (workgroup === null) return ok(`the registry has nothing that tells of workgroup mode, ${REPORTED}`);
  if (!workgroup) return ok(`MSMQ is not in workgroup mode, by registry values known ${REPORTED}`);
  return failed(
    `MSMQ is in workgroup mode, where it registers no certificates and verifies none, by registry values known ${REPORTED}`,
    'add the feature "Directory Service Integration" of Message Queuing, on a machine of the domain',
  );
}

function hashFinding(weakHashes: boolean): Finding {
  if (!weakHashes) return ok('this machine accepts no signatures with SHA-1 or weaker, which is the default');
  return warning(
    'this machine accepts signatures with SHA-1 and weaker: WeakHashAlgorithms is set',
    'remove it when every sender signs with SHA-512, the default since Windows 7',
  );
}

function storageFinding({ path, access }: MsmqFacts['storage']): Finding {
  if (access === 'writable') return ok(`this account may write to ${path}`);
  if (access === 'missing')
    return warning(`the storage folder ${path} cannot be looked at`, 'check where MSMQ keeps its messages');
  return warning(
    `this account may not write to ${path}: after the Windows update of December 2025 senders may fail with "insufficient resources", ${REPORTED}`,
    'install the later update that mends it, or let the account write there',
  );
}
