import { command } from '../advice.ts';
import { MsmqCertError } from '../errors.ts';
import { HEARTBEAT_S, type Queue } from './queue.ts';
import { CREATE_TABLES, FINISH_TABLES, JOBS_SCHEMA, OWN_SCHEMA, otherTables, TABLES_VERSION } from './tables.ts';

const YEAR_S = 365 * 24 * 3600;

/** The queue of a domain, and where the jobs go that failed for good. */
export function queueNames(domain: string): { jobs: string; dead: string } {
  return { jobs: domain, dead: `${domain}/dead` };
}

/**
 * Makes the tables, if they are not there, and the queue of each domain.
 * @throws MsmqCertError usage, database-schema, database-refused
 */
export async function initQueue({ boss, ask, query }: Queue, domains: readonly string[]): Promise<void> {
  for (const domain of domains) requireDomain(domain);
  await query(CREATE_TABLES);
  const [about] = await query<{ version: number }>(`SELECT version FROM ${OWN_SCHEMA}.about`);
  if (about?.version !== TABLES_VERSION) throw otherTables(about?.version ?? 0);
  for (const domain of domains) {
    const { jobs, dead } = queueNames(domain);
    if ((await ask(() => boss.getQueue(jobs))) !== null) continue;
    const kept = { retentionSeconds: YEAR_S, deleteAfterSeconds: YEAR_S };
    await ask(() => boss.createQueue(dead, { policy: 'standard', ...kept }));
    await ask(() =>
      boss.createQueue(jobs, {
        // never two jobs of one user at work
        policy: 'singleton',
        deadLetter: dead,
        heartbeatSeconds: HEARTBEAT_S,
        expireInSeconds: 3600,
        // the worker counts what a job has failed by itself, see attempt.ts; this is the end for one that kills its workers
        retryLimit: 100,
        retryDelay: 1,
        retryBackoff: true,
        retryDelayMax: 60,
        ...kept,
      }),
    );
  }
  await query(FINISH_TABLES);
}

/** @throws MsmqCertError usage when init was not told of the domain */
export async function requireQueue({ boss, ask, where }: Queue, domain: string): Promise<void> {
  if ((await ask(() => boss.getQueue(queueNames(domain).jobs))) !== null) return;
  throw new MsmqCertError('usage', `there is no queue for the domain ${domain} in the database ${where}`, {
    hint: `${command('queue init', [], ['--domain', domain])} makes it`,
  });
}

/** Every domain that has a queue. */
export async function domainsOf({ query }: Queue): Promise<string[]> {
  const rows = await query<{ name: string }>(
    `SELECT name FROM ${JOBS_SCHEMA}.queue WHERE policy = 'singleton' ORDER BY name`,
  );
  return rows.map(({ name }) => name);
}

function requireDomain(domain: string): void {
  if (/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(domain) && domain.length <= 200) return;
  throw new MsmqCertError('usage', `"${domain}" is no domain name, such as corp.example`, {
    hint: 'give the DNS name of the Active Directory domain',
  });
}
