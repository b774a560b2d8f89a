import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import * as z from 'zod';
import { command as adviseCommand } from '../../advice.ts';
import { accountFolder } from '../../certificate/key-files/key-folder.ts';
import { parseMachine } from '../../certificate/machine.ts';
import { DEFAULT_SUBJECT, parseSubjectTemplate } from '../../certificate/subject.ts';
import { MsmqCertError } from '../../errors.ts';
import { createFile } from '../../files/output-file.ts';
import { isHere } from '../../machine/owner.ts';
import { thumbprintOf } from '../../machine/pfx.ts';
import { requestKey } from '../../machine/request.ts';
import { exitCodes } from '../exit-codes.ts';
import { addExamples } from '../help.ts';
import { signElsewhere, thisMachineWithKeys } from '../machine.ts';
import { addOutputOptions, collect, durationOption, newCommand } from '../options.ts';
import { printResult } from '../output.ts';
import { readSettings, settings } from '../settings.ts';
import { namedBy } from './install.ts';

export function requestCommand(): Command {
  const command = newCommand('request')
    .summary('make a key that never leaves this machine (Windows)')
    .description(
      "On the machine where messages are sent, as the user: makes a key in the user's personal store and writes only its " +
        'certificate. An account that may write registers it, alone or by a manifest with the columns user, machine, certificate.',
    )
    .option('--out <file>', 'where to write the certificate; else <DOMAIN>_<user>-<machine>.cer')
    .option('--machine <name>', 'the name of this machine in the subject; else its short name')
    .option('--always', 'make a new key, also where there is a sound one')
    .option('--exportable', 'let the key be taken out of the store again')
    .addOption(new Option('--key-size <bits>', 'RSA key size').choices(['2048', '3072', '4096']).default('2048'))
    .addOption(durationOption('--valid-for <duration>', 'validity of the certificate', '8y'))
    .addOption(
      new Option('--hash <name>', 'signature hash; sha1 for old receivers')
        .choices(['sha256', 'sha384', 'sha512', 'sha1'])
        .default('sha256'),
    )
    .addOption(new Option('--subject <template>', `of the certificate; else ${DEFAULT_SUBJECT}`).argParser(collect));
  addOutputOptions(command);
  addExamples(command, [
    ['request --out alice.cer', 'then, elsewhere: register alice --machine PC-1 --certificate alice.cer'],
  ]);
  return command.action(async (_options, self: Command) => {
    await request(self);
  });
}

const requestSettings = settings.output.extend({
  out: z.string().optional(),
  machine: z.string().optional(),
  always: z.boolean().default(false),
  exportable: z.boolean().default(false),
  keySize: z.coerce.number().pipe(z.literal([2048, 3072, 4096])),
  validFor: z.number(),
  hash: z.enum(['sha1', 'sha256', 'sha384', 'sha512']),
  subject: z.array(z.string()).optional(),
});

async function request(command: Command): Promise<void> {
  const options = await readSettings(command, requestSettings);
  const { calls, session } = await thisMachineWithKeys('request');
  const { account } = session;
  const machine = parseMachine(options.machine ?? session.machines[0] ?? '');
  if (!isHere(machine, session)) {
    throw new MsmqCertError('wrong-owner', `this machine is ${session.machines.join(', ')}, and not ${machine}`, {
      hint: 'run it on the machine where messages are sent',
    });
  }
  const file = options.out ?? `${accountFolder('.', account)}-${machine}.cer`;
  const subject = parseSubjectTemplate(options.subject?.[0] ?? DEFAULT_SUBJECT);
  const { keySize, hash, always, exportable } = options;
  const issue = { account, machine, subject, keySize, hash, validForMs: options.validFor, now: new Date() };
  const { certificate, digest, outcome } = await requestKey(
    calls,
    { ...issue, always, exportable },
    signElsewhere,
    (der) => writeOnce(file, der),
  );
  const thumbprint = thumbprintOf(certificate);
  const changed = outcome === 'made';
  const json = { schema: 1, command: 'request', changed, digest, thumbprint, account, machine, certificate: file };
  const lines = [
    changed
      ? `made a key in the store of ${account}, where it stays`
      : `${account} has a sound key for ${machine} already`,
    `digest ${digest}, thumbprint ${thumbprint}`,
    `its certificate is in ${file}; an account that may write registers it:`,
    `  ${adviseCommand('register', [account], ['--machine', machine], ['--certificate', file])}`,
    '',
    ...namedBy(thumbprint),
  ];
  printResult({ exitCode: exitCodes.done, json, lines }, options);
}

/** The same certificate may be there from before. */
async function writeOnce(file: string, certificate: Buffer): Promise<void> {
  const there = await readFile(file).catch(() => null);
  if (there === null || !there.equals(certificate)) await createFile(file, certificate, 0o644);
}
