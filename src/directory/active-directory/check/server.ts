import type { ActiveDirectory } from '../active-directory.ts';
import { readServerTime, writableServer } from '../read/root-dse.ts';
import { schemaProblems } from '../rights/attribute-schema.ts';
import type { Caller } from '../rights/caller.ts';
import { type Finding, failed, make, ok, type Report, warning } from './checks.ts';

/** What must be right about the server and its forest, whoever the users are. */
export async function checkServer(directory: ActiveDirectory, report: Report): Promise<void> {
  await make(report, 'server', async () => checkWritable(directory));
  await make(report, 'schema', () => checkSchema(directory));
  await make(report, 'pdc-emulator', () => checkPdcEmulator(directory));
  await make(report, 'clock', () => checkClock(directory));
}

export function identityOf({ account, sids: [sid] }: Caller): Finding {
  if (account !== null) return ok(`the directory knows us as ${account}`);
  if (sid !== undefined) return ok(`the directory knows us as ${sid}, an account of another domain`);
  return warning('the directory does not say who we are', 'try another domain controller if rights are missing below');
}

function checkWritable({ rootDse, server }: ActiveDirectory): Finding {
  const name = rootDse.dnsHostName ?? server;
  if (rootDse.isReadOnly) {
    return failed(`${name} is a read-only domain controller`, 'name a writable one, or the domain with ad://');
  }
  if (!rootDse.isSynchronized) {
    return warning(`${name} has not finished its first replication`, 'wait until it has, or name another one');
  }
  return ok(`${name} is a writable domain controller of ${rootDse.defaultNamingContext}`);
}

async function checkSchema({ search, rootDse }: ActiveDirectory): Promise<Finding> {
  const problems = await schemaProblems(search, rootDse);
  if (problems.length === 0) return ok('the schema defines mSMQSignCertificates and mSMQDigests as documented');
  return failed(problems.join('; '), 'use an Active Directory forest whose schema was not changed by hand');
}

async function checkPdcEmulator({ search, rootDse, server }: ActiveDirectory): Promise<Finding> {
  const holder = await writableServer(search, rootDse);
  const own = rootDse.dnsHostName ?? server;
  if (holder === null) {
    return warning('the directory does not say which server is the PDC emulator', 'write to one server only');
  }
  if (holder.toLowerCase() === own.toLowerCase()) return ok(`this server, ${own}, is the PDC emulator`);
  return warning(
    `the PDC emulator is ${holder}, this is ${own}`,
    `write to the PDC emulator with --directory ldaps://${holder}: two servers written at once can tear a pair`,
  );
}

/** Kerberos allows five minutes, and so far back are certificates dated. */
const MOST_DIFFERENCE_SECONDS = 300;

async function checkClock({ search, server }: ActiveDirectory): Promise<Finding> {
  const sent = Date.now();
  const theirs = await readServerTime(search);
  const ours = (sent + Date.now()) / 2;
  if (theirs === null) return warning(`${server} does not say what time it has`, 'compare the clocks by hand');
  const seconds = Math.round((theirs.getTime() - ours) / 1000);
  const direction = seconds < 0 ? 'behind' : 'ahead of';
  const message = `the clock of the server is ${Math.abs(seconds)} s ${direction} ours`;
  if (Math.abs(seconds) <= MOST_DIFFERENCE_SECONDS) return ok(message);
  return warning(message, 'set the clocks: Kerberos refuses such tickets, and new certificates may not be valid yet');
}
