import { Command, Option } from 'commander';
import { addExamples, addOutputOptions } from '../options.ts';

export function blobCommand(): Command {
  return new Command('blob')
    .summary('decode and build raw attribute values')
    .description('Works on raw values of mSMQSignCertificates, without a directory.')
    .addCommand(decodeCommand())
    .addCommand(encodeCommand());
}

function decodeCommand(): Command {
  const command = new Command('decode')
    .summary('print the entries of a raw value')
    .description('Prints the entries of a raw value, or the byte where it stops making sense.')
    .argument('<file>', 'the value; - for standard input')
    .addOption(new Option('--hex', 'the value is written in hexadecimal').conflicts('base64'))
    .option('--base64', 'the value is written in base64, as in LDIF');
  addOutputOptions(command);
  addExamples(command, [
    ['blob decode value.bin', 'a value saved as it is'],
    ['blob decode - --base64', 'a value copied from an LDIF file'],
  ]);
  return command.action(async (file: string, _options, self: Command) => {
    const { decodeBlob } = await import('../blobs.ts');
    await decodeBlob(file, self);
  });
}

function encodeCommand(): Command {
  const command = new Command('encode')
    .summary('build a raw value from certificates')
    .description('Builds a raw value from certificates in DER or PEM form, each with a new identifier.')
    .argument('<certificate...>', 'the certificates, in the order they shall have')
    .option('--out <file>', 'write the value there; the file must not exist (default: standard output)')
    .addOption(new Option('--hex', 'write hexadecimal').conflicts('base64'))
    .option('--base64', 'write base64');
  addOutputOptions(command);
  addExamples(command, [['blob encode alice.cer --out value.bin', 'a value with one certificate']]);
  return command.action(async (files: string[], _options, self: Command) => {
    const { encodeBlob } = await import('../blobs.ts');
    await encodeBlob(files, self);
  });
}
