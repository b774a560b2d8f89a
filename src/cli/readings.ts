import type { Command } from 'commander';
import * as z from 'zod';
import { formatName } from '../certificate/subject.ts';
import { MsmqCertError } from '../errors.ts';
import { list as listUsers } from '../inspect/list.ts';
import { assess, type DecodedState, type Registered, type UserState } from '../judge/state.ts';
import { openDirectory } from './access/connect.ts';
import { colours } from './colours.ts';
import { parseDigest } from './digests.ts';
import { exitCodeOfFailures, exitCodes } from './exit-codes.ts';
import { writeNewFile } from './files.ts';
import { readUserNames } from './input.ts';
import { certificateJson, userJson } from './json.ts';
import { errorJson, harmless, printResult, tellError } from './output.ts';
import { criteria } from './runs/policies.ts';
import { readSettings, settings } from './settings.ts';
import { table } from './table.ts';

const listSettings = settings.directory.extend({ usersFrom: z.string().optional() });

export async function list(names: readonly string[], command: Command): Promise<void> {
  const options = await readSettings(command, listSettings);
  const users = await readUserNames(names, options.usersFrom);
  const directory = await openDirectory(options, 'read');
  try {
    const { states, errors } = await listUsers(directory, users, criteria(options));
    const json = {
      schema: 1,
      users: states.map(userJson),
      errors: errors.map(({ user, error }) => ({ user, ...errorJson(error) })),
    };
    const text = states
      .filter((state) => state.kind === 'decoded')
      .map(stateText)
      .join('\n\n');
    const succeeded = states.filter(({ kind }) => kind === 'decoded').length;
    const exitCode = exitCodeOfFailures(
      errors.map(({ error }) => error.code),
      succeeded,
    );
    printResult({ exitCode, json, text }, options);
    if (!options.json) for (const { user, error } of errors) tellError(error, user);
  } finally {
    await directory.close();
  }
}

function stateText(state: UserState): string {
  const { user, pair } = state;
  const count = state.kind === 'decoded' ? state.entries.length : 0;
  const findings = state.findings.length === 0 ? '' : `  ${colours.yellow(state.findings.join(', '))}`;
  const head = `${colours.bold(harmless(user.account))}  ${count} ${count === 1 ? 'certificate' : 'certificates'}, ${pair.blob?.length ?? 0} bytes${findings}`;
  if (state.kind !== 'decoded' || count === 0) return head;
  return [head, table([headRow, ...state.entries.map(certificateRow)]), ...orphanLines(state)].join('\n');
}

const headRow = ['  DIGEST', 'MACHINE', 'VALID UNTIL', 'KEY', 'FINDINGS'];

function certificateRow({ digest, machine, facts, findings }: Registered): string[] {
  const known = facts.kind === 'certificate' ? facts : null;
  return [
    `  ${digest}`,
    harmless(machine ?? '-'),
    known === null ? '-' : dayOf(known.notAfter),
    known === null ? '-' : `${known.keyAlgorithm === 'rsa' ? 'RSA' : 'not RSA'} ${known.keyBits ?? ''}`.trimEnd(),
    findings.length === 0 ? colours.green('none') : colours.yellow(findings.join(', ')),
  ];
}

function orphanLines({ orphanDigests }: DecodedState): string[] {
  return orphanDigests.map((digest) => `  ${digest}  ${colours.yellow('no certificate has this digest')}`);
}

function dayOf(date: Date): string {
  return date.toISOString().replace(/T.*/, '');
}

const showSettings = settings.directory.extend({ digest: z.string(), export: z.string().optional() });

export async function show(name: string, command: Command): Promise<void> {
  const options = await readSettings(command, showSettings);
  const digest = parseDigest(options.digest);
  const directory = await openDirectory(options, 'read');
  try {
    const user = await directory.findUser(name);
    const state = assess(user, await directory.read(user), criteria(options));
    if (state.kind === 'malformed') throw state.error;
    const registered = state.entries.find((each) => each.digest === digest || each.md5 === digest);
    if (registered === undefined) {
      throw new MsmqCertError('digest-not-found', `${user.account} has no certificate with the digest ${digest}`, {
        hint: `msmq-cert list ${user.account} shows what is registered`,
      });
    }
    if (options.export !== undefined) await writeNewFile(options.export, registered.entry.certificate, 0o644);
    const json = { schema: 1, user: user.account, dn: user.dn, certificate: certificateJson(registered) };
    printResult({ exitCode: exitCodes.done, json, text: certificateText(registered) }, options);
  } finally {
    await directory.close();
  }
}

function certificateText(registered: Registered): string {
  const { facts, findings } = registered;
  const json = certificateJson(registered);
  const described =
    facts.kind === 'certificate'
      ? [
          ['subject', formatName(facts.subject)],
          ['issuer', formatName(facts.issuer)],
          ['serial number', facts.serialNumber],
          ['valid from', facts.notBefore.toISOString()],
          ['valid until', facts.notAfter.toISOString()],
          ['key', `${facts.keyAlgorithm === 'rsa' ? 'RSA' : 'not RSA'} ${facts.keyBits ?? ''}`.trimEnd()],
          ['signature', facts.signatureAlgorithm],
        ]
      : [['content', `no certificate: ${facts.reason}`]];
  return table([
    ['digest', json.digest],
    ['identifier', json.identifier],
    ['account', harmless(json.account ?? '-')],
    ['machine', harmless(json.machine ?? '-')],
    ...described,
    ['bytes', String(json.bytes)],
    ['findings', findings.length === 0 ? 'none' : findings.join(', ')],
  ]);
}
