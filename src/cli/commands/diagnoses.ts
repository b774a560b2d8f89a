import { Command, Option } from 'commander';
import { addDirectoryOptions, addExamples, addOutputOptions } from '../options.ts';

export function verifyCommand(): Command {
  const command = new Command('verify')
    .summary('look a certificate up as a receiver does')
    .description(
      'Looks a certificate up in both ways that receivers are documented to use: by its digest in the whole forest, and by\n' +
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
    const { verify } = await import('../diagnoses.ts');
    await verify(self);
  });
}

export function explainCommand(): Command {
  const command = new Command('explain')
    .summary('find out why the signature of a user is invalid')
    .description(
      'Walks through what is behind "The signature is invalid" for messages from one machine, and ends with what helps.',
    )
    .argument('<user>', 'sAMAccountName, DOMAIN\\user, UPN, distinguished name or SID')
    .requiredOption('--machine <name>', 'the machine that the messages come from');
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [['explain alice --machine PC-1', 'messages from PC-1 are refused']]);
  return command.action(async (name: string, _options, self: Command) => {
    const { explain } = await import('../diagnoses.ts');
    await explain(name, self);
  });
}
