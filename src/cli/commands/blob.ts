import { type Command, Option } from 'commander';
import * as z from 'zod';
import { decode, encode, MalformedBlobError } from '../../blob/codec.ts';
import { md5, toHex } from '../../blob/digest.ts';
import { newEntry } from '../../blob/edit.ts';
import { identifierText } from '../../blob/identifier.ts';
import { readExternalCertificate } from '../../certificate/external.ts';
import { describeCertificate } from '../../certificate/x509/describe.ts';
import { MsmqCertError } from '../../errors.ts';
import { createFile } from '../../files/output-file.ts';
import { exitCodes } from '../exit-codes.ts';
import { addExamples } from '../help.ts';
import { readInput } from '../input.ts';
import { addOutputOptions, newCommand } from '../options.ts';
import { printJson, printResult } from '../output.ts';
import { colours } from '../render/colours.ts';
import { factsJson } from '../render/json.ts';
import { table } from '../render/table.ts';
import { readSettings, settings } from '../settings.ts';
import { printData } from '../terminal.ts';

export function blobCommand(): Command {
  return newCommand('blob')
    .summary('decode and build raw attribute values')
    .description('Works on raw values of mSMQSignCertificates, without a directory.')
    .addCommand(decodeCommand())
    .addCommand(encodeCommand());
}

function decodeCommand(): Command {
  const command = newCommand('decode')
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
    await decodeBlob(file, self);
  });
}

function encodeCommand(): Command {
  const command = newCommand('encode')
    .summary('build a raw value from certificates')
    .description('Builds a raw value from certificates in DER or PEM form, each with a new identifier.')
    .argument('<certificate...>', 'the certificates, in the order they shall have')
    .option('--out <file>', 'write the value there; the file must not exist (default: standard output)')
    .addOption(new Option('--hex', 'write hexadecimal').conflicts('base64'))
    .option('--base64', 'write base64');
  addOutputOptions(command);
  addExamples(command, [['blob encode alice.cer --out value.bin', 'a value with one certificate']]);
  return command.action(async (files: string[], _options, self: Command) => {
    await encodeBlob(files, self);
  });
}

const decodeSettings = settings.output.extend({ hex: z.boolean().default(false), base64: z.boolean().default(false) });

export async function decodeBlob(file: string, command: Command): Promise<void> {
  const options = await readSettings(command, decodeSettings);
  const value = unwrap(await readInput(file), options, file);
  const entries = decodeValue(value, file).map((entry, index) => ({
    index,
    offset: entry.offset,
    digest: toHex(entry.digest),
    digestMatches: md5(entry.certificate).equals(entry.digest),
    identifier: identifierText(entry.identifier),
    bytes: entry.certificate.length,
    ...factsJson(describeCertificate(entry.certificate)),
  }));
  const rows = entries.map((entry) => [
    `  ${entry.offset}`,
    entry.digest,
    entry.digestMatches ? 'yes' : colours.yellow('no'),
    entry.identifier,
    String(entry.bytes),
    entry.subject ?? 'no certificate',
  ]);
  const head = ['  OFFSET', 'DIGEST', 'MATCHES', 'IDENTIFIER', 'BYTES', 'SUBJECT'];
  const count = `${entries.length} ${entries.length === 1 ? 'certificate' : 'certificates'}, ${value.length} bytes`;
  const lines = entries.length === 0 ? [count] : [count, ...table([head, ...rows])];
  printResult({ exitCode: exitCodes.done, json: { schema: 1, entries }, lines }, options);
}

function decodeValue(value: Buffer, file: string) {
  try {
    return decode(value);
  } catch (error) {
    if (!(error instanceof MalformedBlobError)) throw error;
    const { offset, expected } = error;
    throw new MsmqCertError(
      'malformed-blob',
      `${file} is no certificate blob: at byte ${offset} it should have ${expected}`,
      {
        hint: 'give the raw value of mSMQSignCertificates, or say --hex or --base64 when it is written so',
        cause: error,
      },
    );
  }
}

function unwrap(bytes: Buffer, { hex, base64 }: z.infer<typeof decodeSettings>, file: string): Buffer {
  if (!hex && !base64) return bytes;
  const text = bytes.toString('latin1').replace(/\s+/g, '');
  const wellFormed = hex ? /^([0-9a-f]{2})*$/i : /^[0-9a-z+/]*={0,2}$/i;
  if (!wellFormed.test(text)) {
    throw new MsmqCertError('invalid-config', `${file} is not written in ${hex ? 'hexadecimal' : 'base64'}`, {
      hint: 'leave --hex and --base64 out for a raw value',
    });
  }
  return Buffer.from(text, hex ? 'hex' : 'base64');
}

const encodeSettings = decodeSettings.extend({ out: z.string().optional() });

export async function encodeBlob(files: readonly string[], command: Command): Promise<void> {
  const options = await readSettings(command, encodeSettings);
  const now = new Date();
  const certificates = await Promise.all(
    files.map(async (file) => readExternalCertificate(await readInput(file), file, now)),
  );
  const entries = certificates.map(newEntry);
  const value = encode(entries);
  const written = options.hex ? `${value.toString('hex')}\n` : options.base64 ? `${value.toString('base64')}\n` : value;

  if (options.out !== undefined) await createFile(options.out, written, 0o644);
  else if (!options.json) printData(written);
  if (options.json) {
    const described = entries.map(({ digest, identifier, certificate }, index) => ({
      index,
      digest: toHex(digest),
      identifier: identifierText(identifier),
      bytes: certificate.length,
    }));
    printJson({ schema: 1, entries: described, value: value.toString('base64') });
  }
}
