import { Command } from 'commander';
import { addDirectoryOptions, addExamples, addOutputOptions } from '../options.ts';

export function showCommand(): Command {
  const command = new Command('show')
    .summary('show one certificate of a user')
    .description('Shows everything about one registered certificate, and writes it to a file with --export.')
    .argument('<user>', 'sAMAccountName, DOMAIN\\user, UPN, distinguished name or SID')
    .requiredOption('--digest <hex>', 'the digest, as list prints it')
    .option('--export <file>', 'write the certificate in DER form; the file must not exist');
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    ['show alice --digest 40be3a77192523089faf95795a5be520 --export alice.cer', 'take a registered certificate out'],
  ]);
  return command.action(async (name: string, _options, self: Command) => {
    const { show } = await import('../readings.ts');
    await show(name, self);
  });
}
