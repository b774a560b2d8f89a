import { Command, Option } from 'commander';
import { addExamples, addIssuingOptions, collect, type Purpose } from '../options.ts';
import { pursue } from '../runs/purpose.ts';

export function registerCommand(purpose: Purpose): Command {
  const command = new Command('register')
    .summary('register a certificate for users and machines')
    .description(
      'Registers a certificate for each user on each machine: makes the key and the certificate, puts them in a PFX file,\n' +
        'and adds the public part to the user object. A machine that has a sound certificate is left as it is.',
    )
    .argument('[user...]', 'sAMAccountName, DOMAIN\\user, UPN, distinguished name or SID')
    .option('--machine <name>', 'machine to make a certificate for; may be given again', collect)
    .option(
      '--manifest <file>',
      'CSV or JSON with user, machine and optionally certificate and valid_for; - for standard input',
    )
    .option('--certificate <file>', 'register this certificate (DER or PEM) instead; only its public part is read')
    .addOption(
      new Option('--if-not-exists', 'leave a machine with a sound certificate alone (default)').conflicts('always'),
    )
    .option('--always', 'make a new certificate and drop the old one of the machine');
  addIssuingOptions(command, purpose);
  addExamples(command, [
    ['register alice --machine PC-1 --directory ldif:users.ldif', 'try it on an export of the directory'],
    [
      'register CORP\\alice --machine PC-1 --machine PC-2 --directory ldaps://dc1.corp.example --bind CORP\\provisioner --password-file pw',
      'two machines of one user, in one write',
    ],
    [
      'register --manifest fleet.csv --directory ldaps://dc1.corp.example',
      'a whole fleet; what is registered already is left alone',
    ],
    ['register alice --certificate alice.cer --dry-run', 'what registering an existing certificate would do'],
  ]);
  return command.action(async (names: string[], _options, self: Command) => {
    const { register } = await import('../runs/verbs.ts');
    await pursue(purpose, await register(names, self));
  });
}
