import { rm } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import * as z from 'zod';
import { passphraseFrom } from '../../certificate/key-files/key-files.ts';
import { MsmqCertError, systemCode } from '../../errors.ts';
import { install as installKey } from '../../machine/install.ts';
import { demandOwner } from '../../machine/owner.ts';
import { type KeyAndCertificate, readPfx } from '../../machine/pfx.ts';
import { exitCodes } from '../exit-codes.ts';
import { addExamples } from '../help.ts';
import { readInput } from '../input.ts';
import { signElsewhere, templatesOf, thisMachineWithKeys } from '../machine.ts';
import { addOutputOptions, collect, newCommand } from '../options.ts';
import { printResult } from '../output.ts';
import { readSettings, settings } from '../settings.ts';
import { tell } from '../terminal.ts';

export function installCommand(): Command {
  const command = newCommand('install')
    .summary('put a key where MSMQ signs, on the machine of the user (Windows)')
    .description(
      'On the machine where messages are sent, as the user whose certificate it is: puts key and certificate of a PFX file ' +
        "into the user's personal store, and proves that a new process signs with SHA-512 by them. It needs no rights but the user's own.",
    )
    .argument('<pfx>', 'a PFX file that msmq-cert made for this account and this machine')
    .option('--passphrase-file <file>', 'its passphrase; else the .pass file beside it')
    .option('--delete', 'delete the PFX and its passphrase when the key is proven to sign')
    .option('--exportable', 'let the key be taken out of the store again')
    .option('--user <account>', 'whose it is, where its subject does not say so')
    .option('--machine <name>', 'for which machine it is, where its subject does not say so')
    .addOption(new Option('--subject <template>', 'convention of its subject; may be given again').argParser(collect));
  addOutputOptions(command);
  addExamples(command, [
    [
      'install 40be3a77192523089faf95795a5be520.pfx --delete',
      'in a session of the user, or a task with a stored password',
    ],
  ]);
  return command.action(async (file: string, _options, self: Command) => {
    await install(file, self);
  });
}

const installSettings = settings.output.extend({
  passphraseFile: z.string().optional(),
  delete: z.boolean().default(false),
  exportable: z.boolean().default(false),
  user: z.string().optional(),
  machine: z.string().optional(),
  subject: z.array(z.string()).optional(),
});

async function install(file: string, command: Command): Promise<void> {
  const options = await readSettings(command, installSettings);
  const { calls, session } = await thisMachineWithKeys('install');
  const passphraseFile = options.passphraseFile ?? file.replace(/(\.pfx)?$/i, '.pass');
  const passphrase = await passphraseFrom(passphraseFile);
  const given = readPfx(await readInput(file), passphrase, file, new Date());
  const stated = { user: options.user ?? null, machine: options.machine ?? null };
  demandOwner(given.facts, session, stated, templatesOf(options.subject), file);
  const outcome = await installKey(calls, given, options.exportable, signElsewhere);
  const deleted = options.delete ? await deleteFiles([file, passphraseFile]) : [];
  const { digest, thumbprint } = given;
  const json = { schema: 1, command: 'install', changed: outcome === 'installed', digest, thumbprint, deleted };
  printResult({ exitCode: exitCodes.done, json, lines: linesOf(outcome, given, deleted) }, options);
  if (!options.delete && !options.quiet)
    tell(`${file} and its passphrase are not needed here any more; --delete removes them`);
}

function linesOf(
  outcome: 'installed' | 'unchanged',
  { digest, thumbprint }: KeyAndCertificate,
  deleted: readonly string[],
) {
  return [
    outcome === 'installed'
      ? `installed ${digest}: a new process signs with SHA-512 by its key, and the certificate verifies it`
      : `${digest} was installed already, and a new process signs with SHA-512 by its key`,
    `thumbprint ${thumbprint}`,
    '',
    ...namedBy(thumbprint),
    ...deleted.map((each) => `deleted ${each}`),
  ];
}

/** How an application names a certificate of its own, by the documents of MSMQ (specification §9). */
export function namedBy(thumbprint: string): string[] {
  return [
    'By the documents, an application names it so (not seen with MSMQ itself):',
    `  System.Messaging  find ${thumbprint} in CurrentUser\\My; message.SenderCertificate = certificate.RawData`,
    '  MSMQ from C       PROPID_M_SENDER_CERT: the bytes of the certificate',
    `  BizTalk           thumbprint ${thumbprint} on the send port of the MSMQ adapter`,
    'A sender that names none signs with the internal certificate, which this is not.',
    '',
  ];
}

async function deleteFiles(files: readonly string[]): Promise<string[]> {
  for (const file of files) {
    try {
      await rm(file);
    } catch (cause) {
      throw new MsmqCertError(
        'file-unwritable',
        `the key is installed, and ${file} cannot be deleted: ${systemCode(cause)}`,
        {
          hint: 'delete it by hand: whoever has it and its passphrase has the key',
          cause,
        },
      );
    }
  }
  return [...files];
}
