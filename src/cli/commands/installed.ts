import { type Command, Option } from 'commander';
import * as z from 'zod';
import { MsmqCertError } from '../../errors.ts';
import { criteriaToday, templatesOf } from '../../judge/criteria.ts';
import { assessKnowingly } from '../../judge/state.ts';
import { findStored } from '../../machine/install.ts';
import { type Installed, installedCertificates } from '../../machine/installed.ts';
import { signIn } from '../../native/windows/containers.ts';
import { openDirectory } from '../access/connect.ts';
import { parseDigest } from '../digests.ts';
import { exitCodes } from '../exit-codes.ts';
import { addExamples, rare } from '../help.ts';
import { type Here, thisMachine } from '../machine.ts';
import { addDirectoryOptions, addOutputOptions, newCommand } from '../options.ts';
import { printResult } from '../output.ts';
import { recognitionIn, statedRecognition } from '../recognition.ts';
import { colours } from '../render/colours.ts';
import { table } from '../render/table.ts';
import { type DirectorySettings, readSettings, settings } from '../settings.ts';

export function installedCommand(): Command {
  const command = newCommand('installed')
    .summary('list the keys of this account on this machine (Windows)')
    .description(
      "Lists the user's personal store: the counterpart of list. With --directory, also whether this account has each " +
        'certificate registered there.',
    )
    .option('--digest <hex>', 'only the one with this digest')
    .addOption(rare(new Option('--sign <hex>', 'sign these bytes with its key and SHA-512, to try it')));
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [['installed --directory ad://corp.example --auth kerberos', 'both sides at a glance']]);
  return command.action(async (_options, self: Command) => {
    await installed(self);
  });
}

const installedSettings = settings.directory.extend({ digest: z.string().optional(), sign: z.string().optional() });

async function installed(command: Command): Promise<void> {
  const options = await readSettings(command, installedSettings);
  const digest = options.digest === undefined ? null : parseDigest(options.digest);
  const here = await thisMachine('installed');
  if (options.sign !== undefined) {
    sign(here, digest, options.sign, options);
    return;
  }
  const all = installedCertificates(here.calls, templatesOf(options.subject));
  const shown = all.filter((each) => digest === null || each.digest === digest);
  if (digest !== null && shown.length === 0) throw notInstalled(digest);
  const registered = options.directory === undefined ? null : await registeredDigests(here, options);
  const certificates = shown.map((each) => ({ ...jsonOf(each), registered: registered?.has(each.digest) ?? null }));
  const rows = certificates.map(({ digest, machine, provider, keySpec, signsSha512, registered }) => [
    digest,
    machine ?? '-',
    signsSha512 ? colours.green('yes') : colours.yellow('no'),
    registered === null ? 'not asked' : registered ? colours.green('yes') : colours.yellow('no'),
    provider === null ? 'no key' : `${provider}, ${keySpec ?? 'no key of CryptoAPI'}`,
  ]);
  const lines = rows.length === 0 ? ['nothing is installed'] : table([HEAD, ...rows]);
  printResult({ exitCode: exitCodes.done, json: { schema: 1, certificates }, lines }, options);
}

const HEAD = ['DIGEST', 'MACHINE', 'SIGNS SHA-512', 'REGISTERED', 'KEY'];

function jsonOf({ certificate: _, ...rest }: Installed): Omit<Installed, 'certificate'> {
  return rest;
}

/** What receivers can find this account by: certificate and digest are both there. */
async function registeredDigests({ session }: Here, options: DirectorySettings): Promise<Set<string>> {
  const stated = await statedRecognition(options);
  const directory = await openDirectory(options, 'read');
  try {
    const user = await directory.findUser(session.account);
    const rules = criteriaToday(recognitionIn(directory, stated), options);
    const state = await assessKnowingly(user, await directory.read(user), rules);
    if (state.kind === 'malformed') throw state.error;
    const found = state.entries.filter(
      (entry) => !entry.findings.includes('digest-missing') && entry.digest === entry.md5,
    );
    return new Set(found.map(({ md5 }) => md5));
  } finally {
    await directory.close();
  }
}

function sign({ calls }: Here, digest: string | null, hex: string, options: DirectorySettings): void {
  if (digest === null || !/^([0-9a-f]{2}){1,256}$/i.test(hex)) {
    throw new MsmqCertError('usage', '--sign needs 1 to 256 bytes in hexadecimal and the --digest of a certificate', {
      hint: 'give both, such as --digest <hex> --sign 00ff',
    });
  }
  const stored = findStored(calls, digest);
  if (stored === null) throw notInstalled(digest);
  if (stored.key?.kind !== 'capi') {
    throw new MsmqCertError('key-store', `${digest} has no key that CryptoAPI can sign with`, {
      hint: 'uninstall it and install its PFX with msmq-cert',
    });
  }
  const signature = signIn(calls, stored.key.place, 'sha512', Buffer.from(hex, 'hex')).toString('base64');
  printResult({ exitCode: exitCodes.done, json: { schema: 1, digest, signature }, lines: [signature] }, options);
}

function notInstalled(digest: string): MsmqCertError {
  return new MsmqCertError('digest-not-found', `no certificate with the digest ${digest} is installed`, {
    hint: 'msmq-cert installed shows what there is',
  });
}
