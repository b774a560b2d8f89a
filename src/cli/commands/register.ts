import { type Command, Option } from 'commander';
import * as z from 'zod';
import { MsmqCertError } from '../../errors.ts';
import { externalSource } from '../../plan/external.ts';
import type { Wanted } from '../../plan/request.ts';
import { addExamples } from '../help.ts';
import { readUserNames } from '../input.ts';
import { addIssuingOptions } from '../option-sets.ts';
import { collect, newCommand, type Purpose } from '../options.ts';
import { perform } from '../running/carry-out.ts';
import { targetsFromManifest } from '../running/manifests.ts';
import { parseMachines } from '../running/named.ts';
import { readSettings, settings } from '../settings.ts';

export function registerCommand(purpose: Purpose): Command {
  const command = newCommand('register')
    .summary('register a certificate for users and machines')
    .description(
      'Registers a certificate for each user on each machine: makes the key and the certificate, puts them in a PFX file, ' +
        'and adds the public part to the user object. A machine that has a sound certificate is left as it is.',
    )
    .argument('[user...]', 'account, DOMAIN\\user, UPN, distinguished name or SID')
    .option('--machine <name>', 'machine to make one for; may be given again', collect)
    .option('--manifest <file>', 'CSV or JSON: user, machine[, certificate, valid_for]')
    .option('--certificate <file>', 'register this certificate (DER or PEM) instead')
    .addOption(new Option('--if-not-exists', 'leave a sound certificate alone (default)').conflicts('always'))
    .option('--always', 'make a new one and drop the old one of the machine');
  addIssuingOptions(command, purpose);
  addExamples(command, [
    ['register alice --machine PC-1 --directory ldif:users.ldif', 'try it on an export of the directory'],
    [
      'register CORP\\alice --machine PC-1 --machine PC-2 --directory ldaps://dc1.corp.example --bind CORP\\provisioner --password-file pw',
      'two machines of one user, in one write',
    ],
    [
      'register --manifest fleet.csv --seal-to operator.cer --directory ldaps://dc1.corp.example',
      'a whole fleet, with keys that only the operator can open; what is registered already is left alone',
    ],
    ['register alice --certificate alice.cer --dry-run', 'what registering an existing certificate would do'],
  ]);
  return command.action(async (names: string[], _options, self: Command) => {
    await register(names, self, purpose);
  });
}

const registerSettings = settings.keys.extend({
  machine: z.array(z.string()).optional(),
  manifest: z.string().optional(),
  certificate: z.string().optional(),
  always: z.boolean().default(false),
});

async function register(names: readonly string[], command: Command, purpose: Purpose): Promise<void> {
  const options = await readSettings(command, registerSettings);
  const request = { verb: 'register', mode: options.always ? 'always' : 'if-not-exists' } as const;
  const { manifest, certificate } = options;
  if (manifest !== undefined) {
    refuseBesideManifest(names, options);
    await perform(purpose, request, { targets: await targetsFromManifest(manifest, options.quiet) }, options);
    return;
  }
  const users = await readUserNames(names, options.usersFrom);
  const machines = parseMachines(options.machine ?? []);
  const wanted =
    certificate === undefined ? forMachines(machines) : [await forCertificate(certificate, users, machines)];
  const targets = users.map((name) => ({ name, wanted }));
  await perform(purpose, request, { targets }, options);
}

function refuseBesideManifest(names: readonly string[], options: z.infer<typeof registerSettings>): void {
  const { machine, certificate, usersFrom } = options;
  if (names.length === 0 && machine === undefined && certificate === undefined && usersFrom === undefined) return;
  throw new MsmqCertError('usage', '--manifest is given, and users, machines or a certificate besides', {
    hint: 'the manifest names the user and the machine of each row; leave the others out',
  });
}

function forMachines(machines: readonly string[]): Wanted[] {
  if (machines.length === 0) {
    throw new MsmqCertError('usage', 'no machine is named', {
      hint: 'give --machine <name>, or --certificate <file> for a certificate that exists already',
    });
  }
  return machines.map((each) => ({ machine: each, source: { kind: 'new-key' }, validForMs: null }));
}

async function forCertificate(file: string, users: readonly string[], machines: readonly string[]): Promise<Wanted> {
  if (users.length > 1 || machines.length > 1) {
    throw new MsmqCertError('usage', `the certificate ${file} is meant for more than one user or machine`, {
      hint: 'receivers find the user by the certificate, so register it for one user only',
    });
  }
  return { machine: machines[0] ?? null, source: await externalSource(file, new Date()), validForMs: null };
}
