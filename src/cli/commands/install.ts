import { rm } from 'node:fs/promises';
import type { Command } from 'commander';
import * as z from 'zod';
import { MsmqCertError, systemCode } from '../../errors.ts';
import { templatesOf } from '../../judge/criteria.ts';
import { install as installKey } from '../../machine/install.ts';
import { demandOwner } from '../../machine/owner.ts';
import { type KeyAndCertificate, readPfx } from '../../machine/pfx.ts';
import { exitCodes } from '../exit-codes.ts';
import { addExamples } from '../help.ts';
import { signElsewhere, thisMachineWithKeys } from '../machine.ts';
import { installInternal } from '../machine-internal.ts';
import { addDirectoryOptions, addOutFolderOption, addOutputOptions, addVerbOptions, newCommand } from '../options.ts';
import { printResult } from '../output.ts';
import { readDeliveredPfx } from '../pfx-files.ts';
import { readSettings, settings } from '../settings.ts';
import { tell } from '../terminal.ts';

export function installCommand(): Command {
  const command = newCommand('install')
    .summary('put a key where MSMQ signs, on the machine of the user (Windows)')
    .description(
      'On the machine where messages are sent, as the user whose certificate it is: puts key and certificate of a PFX file ' +
        "into the user's personal store, and proves that a new process signs with SHA-512 by them. A sealed PFX is opened with " +
        'the key of its recipient, in the personal store of the user or of the machine. With --internal it lets MSMQ make and register the certificate that senders use which name none. It needs no rights but those of the user.',
    )
    .argument('[pfx]', 'a PFX file that msmq-cert made for this account and this machine, sealed (.pfx.p7m) or not')
    .option(
      '--passphrase-file <file>',
      'its passphrase, sealed or not; else the .pass or .pass.p7m beside it, or a prompt',
    )
    .option('--delete', 'delete the PFX and its passphrase when the key is proven to sign')
    .option('--exportable', 'let the key be taken out of the store again')
    .option('--user <account>', 'whose it is, where the subject or Windows does not say so')
    .option('--machine <name>', 'for which machine it is, where its subject does not say so')
    .option('--internal', 'the internal certificate, made by MSMQ; needs --directory')
    .option('--renew', 'with --internal: make a new one, whatever there is')
    .option('--overlap', 'with --internal: leave the stale certificate of this machine registered');
  addOutFolderOption(command);
  addVerbOptions(command);
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    [
      'install 40be3a77192523089faf95795a5be520.pfx --delete',
      'in a session of the user, or a task with a stored password',
    ],
    ['install --internal --directory ad://corp.example --auth kerberos', 'for senders that name no certificate'],
  ]);
  return command.action(async (file: string | undefined, _options, self: Command) => {
    const options = await readSettings(self, installSettings);
    if (options.internal) await installInternal(withoutFile(options, file));
    else await installFile(file ?? nothingToInstall(), options);
  });
}

const installSettings = settings.cleaning.extend({
  passphraseFile: z.string().optional(),
  delete: z.boolean().default(false),
  exportable: z.boolean().default(false),
  user: z.string().optional(),
  machine: z.string().optional(),
  internal: z.boolean().default(false),
  renew: z.boolean().default(false),
  overlap: z.boolean().default(false),
});

type InstallSettings = z.infer<typeof installSettings>;

function nothingToInstall(): never {
  throw new MsmqCertError('usage', 'nothing is named to be installed', {
    hint: 'name a PFX file, or give --internal for the certificate that MSMQ makes',
  });
}

function withoutFile(options: InstallSettings, file: string | undefined): InstallSettings {
  const { passphraseFile, machine } = options;
  if (
    file === undefined &&
    passphraseFile === undefined &&
    machine === undefined &&
    !options.delete &&
    !options.exportable
  )
    return options;
  throw new MsmqCertError('usage', '--internal is given, and a file or what is for files besides', {
    hint: 'MSMQ makes the key of an internal certificate itself, for this machine; leave the others out',
  });
}

async function installFile(file: string, options: InstallSettings): Promise<void> {
  if (options.renew || options.overlap) {
    throw new MsmqCertError('usage', '--renew and --overlap are for --internal only', {
      hint: 'a PFX file is installed beside those that are there; msmq-cert renew makes new ones',
    });
  }
  const { calls, session } = await thisMachineWithKeys('install');
  const { pfx, passphrase, files } = await readDeliveredPfx(calls, file, options.passphraseFile);
  const given = readPfx(pfx, passphrase, file, new Date());
  const stated = { user: options.user ?? null, machine: options.machine ?? null };
  demandOwner(given.facts, session, stated, templatesOf(options.subject), file);
  const { digest, thumbprint } = given;
  const head = { schema: 1, command: 'install', dryRun: options.dryRun };
  if (options.dryRun) {
    const lines = [`${digest} is for this account and this machine; it would be installed (dry run: it was not)`];
    printResult(
      { exitCode: exitCodes.done, json: { ...head, changed: false, digest, thumbprint, deleted: [] }, lines },
      options,
    );
    return;
  }
  const outcome = await installKey(calls, given, options.exportable, signElsewhere);
  const deleted = options.delete ? await deleteFiles(files) : [];
  const changed = outcome === 'installed';
  const exitCode = changed && options.detailedExitcode ? exitCodes.changed : exitCodes.done;
  printResult(
    { exitCode, json: { ...head, changed, digest, thumbprint, deleted }, lines: linesOf(outcome, given, deleted) },
    options,
  );
  if (!options.delete && !options.quiet) tell(`${files.join(' and ')}: not needed here any more; --delete removes it`);
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
