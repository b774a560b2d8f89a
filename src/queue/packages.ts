/// <reference path="./pgpass.d.ts" />
import { MsmqCertError } from '../errors.ts';

/** The optional peers and their versions, as in package.json. The executables hold them; npm brings them on demand. */
export const queuePackages = {
  'pg-boss': '12.38.0',
  pg: '^8.23.1',
  pgpass: '^1.0.5',
  'rate-limiter-flexible': '11.4.0',
} as const;

type QueuePackage = keyof typeof queuePackages;

/** @throws MsmqCertError package-missing */
export async function loadPg(): Promise<typeof import('pg')> {
  return await loadPackage('pg', () => import('pg'));
}

/** @throws MsmqCertError package-missing */
export async function loadPgpass(): Promise<typeof import('pgpass')> {
  return (await loadPackage('pgpass', () => import('pgpass'))).default;
}

/** @throws MsmqCertError package-missing */
export async function loadPgBoss(): Promise<typeof import('pg-boss')> {
  return await loadPackage('pg-boss', () => import('pg-boss'));
}

/** @throws MsmqCertError package-missing */
export async function loadRateLimiter(): Promise<typeof import('rate-limiter-flexible')> {
  return await loadPackage('rate-limiter-flexible', () => import('rate-limiter-flexible'));
}

async function loadPackage<T>(name: QueuePackage, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new MsmqCertError('package-missing', `the queue needs the npm package ${name}, which cannot be loaded`, {
      hint: `run npm install ${wanted()} where msmq-cert is installed`,
      cause,
    });
  }
}

/** In quotes: cmd.exe takes ^ away. */
function wanted(): string {
  return Object.entries(queuePackages)
    .map(([name, version]) => (version.startsWith('^') ? `"${name}@${version}"` : `${name}@${version}`))
    .join(' ');
}
