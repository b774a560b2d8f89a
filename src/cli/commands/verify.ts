import { type Command, Option } from 'commander';
import * as z from 'zod';
import { readAnyCertificate } from '../../certificate/external.ts';
import { DEFAULT_SUBJECT, parseSubjectTemplate, readSubject } from '../../certificate/subject.ts';
import { describeCertificate } from '../../certificate/x509/describe.ts';
import type { User } from '../../directory/directory.ts';
import { MsmqCertError } from '../../errors.ts';
import { type Verification, verify as verifyCertificate } from '../../inspect/verify.ts';
import { reachText } from '../../judge/reach.ts';
import { openDirectory } from '../access/connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { addExamples } from '../help.ts';
import { readInput } from '../input.ts';
import { addDirectoryOptions, addOutputOptions, newCommand } from '../options.ts';
import { printResult } from '../output.ts';
import { colours } from '../render/colours.ts';
import { table } from '../render/table.ts';
import { readSettings, settings } from '../settings.ts';

export function verifyCommand(): Command {
  const command = newCommand('verify')
    .summary('look a certificate up as a receiver does')
    .description(
      'Looks a certificate up in both ways that receivers are documented to use: by its digest in the whole forest, and by ' +
        'the SID of the sender. Exits with 0 only if both lead to the same user.',
    )
    .requiredOption('--certificate <file>', 'the certificate that a message carries, DER or PEM; - for standard input')
    .addOption(new Option('--sid <sid>', 'the SID that the message carries').conflicts('user'))
    .option('--user <name>', 'who sends (default: whoever has the digest)');
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    ['verify --certificate alice.cer', 'is it registered, and for one user only'],
    ['verify --certificate alice.cer --user CORP\\alice', 'and is it hers'],
  ]);
  return command.action(async (_options, self: Command) => {
    await verify(self);
  });
}

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
      { exitCode: accepted ? exitCodes.done : exitCodes.someFailed, json, lines: verificationLines(found) },
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
    ? (readSubject((options.subject ?? [DEFAULT_SUBJECT]).map(parseSubjectTemplate), facts.subject)?.account ?? null)
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

function verificationLines({ digest, reach, byDigest, bySid, accepted, reasons }: Verification): string[] {
  const found = (user: User | null) => (user === null ? colours.red('nobody') : `${user.account}  ${user.dn}`);
  return [
    ...table([
      ['digest', digest],
      ['by digest', `${found(byDigest)}  (searched ${reachText(reach)})`],
      ['by SID', found(bySid)],
    ]),
    accepted ? colours.green('both lookups succeed: receivers accept it') : colours.red('receivers refuse it'),
    ...reasons.map((reason) => `  ${reason}`),
  ];
}
