import type { Command } from 'commander';
import * as z from 'zod';
import { readAnyCertificate } from '../certificate/external.ts';
import { parseMachine } from '../certificate/machine.ts';
import { readSubject } from '../certificate/subject.ts';
import { describeCertificate } from '../certificate/x509/describe.ts';
import type { User } from '../directory/directory.ts';
import { MsmqCertError } from '../errors.ts';
import { type Check, explain as explainUser } from '../inspect/explain.ts';
import { type Verification, verify as verifyCertificate } from '../inspect/verify.ts';
import { reachText } from '../judge/reach.ts';
import { assess } from '../judge/state.ts';
import { openDirectory } from './access/connect.ts';
import { colours } from './colours.ts';
import { exitCodes } from './exit-codes.ts';
import { readInput } from './input.ts';
import { harmless, printResult } from './output.ts';
import { criteria } from './runs/policies.ts';
import { readSettings, settings } from './settings.ts';
import { table } from './table.ts';

const verifySettings = settings.directory.extend({
  certificate: z.string(),
  sid: z.string().optional(),
  user: z.string().optional(),
});

export async function verify(command: Command): Promise<void> {
  const options = await readSettings(command, verifySettings);
  const sender = senderOf(options);
  const certificate = readAnyCertificate(await readInput(options.certificate), options.certificate);
  const directory = await openDirectory(options, 'read');
  try {
    const found = await verifyCertificate(directory, certificate, sender, subjectAccount(certificate, options));
    const { digest, byDigest, bySid, accepted, reasons } = found;
    const json = {
      schema: 1,
      digest,
      byDigest: byDigest && userFacts(byDigest),
      bySid: bySid && userFacts(bySid),
      accepted,
      reasons,
      searched: reachText(found.reach),
    };
    printResult(
      { exitCode: accepted ? exitCodes.done : exitCodes.someFailed, json, text: verificationText(found) },
      options,
    );
  } finally {
    await directory.close();
  }
}

/** The account that the subject names, if it is one of our convention. */
function subjectAccount(certificate: Buffer, options: z.infer<typeof verifySettings>): string | null {
  const facts = describeCertificate(certificate);
  return facts.kind === 'certificate'
    ? (readSubject(criteria(options).subjects, facts.subject)?.account ?? null)
    : null;
}

function senderOf({ sid, user }: z.infer<typeof verifySettings>): string | null {
  if (sid !== undefined && !/^s-1-/i.test(sid)) {
    throw new MsmqCertError('usage', `${sid} is no security identifier`, {
      hint: 'write it as S-1-5-21-…, or give --user',
    });
  }
  return sid ?? user ?? null;
}

function userFacts({ account, dn, sid }: User) {
  return { user: account, dn, sid };
}

function verificationText({ digest, reach, byDigest, bySid, accepted, reasons }: Verification): string {
  const found = (user: User | null) =>
    user === null ? colours.red('nobody') : harmless(`${user.account}  ${user.dn}`);
  return [
    table([
      ['digest', digest],
      ['by digest', `${found(byDigest)}  (searched ${reachText(reach)})`],
      ['by SID', found(bySid)],
    ]),
    accepted ? colours.green('both lookups succeed: receivers accept it') : colours.red('receivers refuse it'),
    ...reasons.map((reason) => `  ${harmless(reason)}`),
  ].join('\n');
}

const explainSettings = settings.directory.extend({ machine: z.string() });

export async function explain(name: string, command: Command): Promise<void> {
  const options = await readSettings(command, explainSettings);
  const machine = parseMachine(options.machine);
  const directory = await openDirectory(options, 'read');
  try {
    const user = await directory.findUser(name);
    const state = assess(user, await directory.read(user), criteria(options));
    const { checks, command: helps } = await explainUser(state, machine, directory);
    const isFine = checks.every(({ status }) => status !== 'failed');
    const json = { schema: 1, user: user.account, machine, checks, command: helps };
    const text = [table(checks.map(checkColumns)), '', `What helps: ${colours.bold(harmless(helps))}`].join('\n');
    printResult({ exitCode: isFine ? exitCodes.done : exitCodes.someFailed, json, text }, options);
  } finally {
    await directory.close();
  }
}

const colour = { ok: colours.green, failed: colours.red, unknown: colours.yellow };

function checkColumns({ name, status, message }: Check): string[] {
  return [colour[status](status), name, harmless(message)];
}
