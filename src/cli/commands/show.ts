import type { Command } from 'commander';
import * as z from 'zod';
import { command as adviseCommand } from '../../advice.ts';
import { formatName } from '../../certificate/subject.ts';
import { nameForCommand } from '../../directory/names.ts';
import { MsmqCertError } from '../../errors.ts';
import { createFile } from '../../files/output-file.ts';
import { criteriaToday } from '../../judge/criteria.ts';
import { ambiguousDigest, findDigest } from '../../judge/find-digest.ts';
import { assessKnowingly, type Registered } from '../../judge/state.ts';
import { openDirectory } from '../access/connect.ts';
import { parseDigestPrefix } from '../digests.ts';
import { exitCodes } from '../exit-codes.ts';
import { addExamples } from '../help.ts';
import { addDirectoryOptions, addOutputOptions, newCommand } from '../options.ts';
import { printResult } from '../output.ts';
import { recognitionIn, statedRecognition } from '../recognition.ts';
import { certificateJson } from '../render/json.ts';
import { machineText } from '../render/machine.ts';
import { table } from '../render/table.ts';
import { readSettings, settings } from '../settings.ts';

export function showCommand(): Command {
  const command = newCommand('show')
    .summary('show one certificate of a user')
    .description('Shows everything about one registered certificate, and writes it to a file with --export.')
    .argument('<user>', 'account, DOMAIN\\user, UPN, distinguished name or SID')
    .requiredOption('--digest <hex>', 'the digest, as list prints it, or the first 6 digits or more')
    .option('--export <file>', 'write the certificate in DER form; the file must not exist');
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    ['show alice --digest 40be3a77192523089faf95795a5be520 --export alice.cer', 'take a registered certificate out'],
  ]);
  return command.action(async (name: string, _options, self: Command) => {
    await show(name, self);
  });
}

const showSettings = settings.directory.extend({ digest: z.string(), export: z.string().optional() });

export async function show(name: string, command: Command): Promise<void> {
  const options = await readSettings(command, showSettings);
  const prefix = parseDigestPrefix(options.digest);
  const stated = await statedRecognition(options);
  const directory = await openDirectory(options, 'read');
  const recognition = recognitionIn(directory, stated);
  try {
    const user = await directory.findUser(name);
    const state = await assessKnowingly(user, await directory.read(user), criteriaToday(recognition, options));
    if (state.kind === 'malformed') throw state.error;
    const found = findDigest(state.entries, prefix);
    if (found.kind === 'ambiguous') throw ambiguousDigest(user.account, prefix, found.digests);
    const digest = found.kind === 'found' ? found.digest : prefix;
    const registered = state.entries.find((each) => each.digest === digest || each.md5 === digest);
    if (registered === undefined) {
      throw new MsmqCertError('digest-not-found', `${user.account} has no certificate with the digest ${digest}`, {
        hint: `${adviseCommand('list', [nameForCommand(user)])} shows what is registered`,
      });
    }
    if (options.export !== undefined) await createFile(options.export, registered.entry.certificate, 0o644);
    const json = { schema: 1, user: user.account, dn: user.dn, certificate: certificateJson(registered) };
    printResult({ exitCode: exitCodes.done, json, lines: certificateLines(registered) }, options);
    recognition.tellUnused();
  } finally {
    await directory.close();
  }
}

function certificateLines(registered: Registered): string[] {
  const { facts, findings } = registered;
  const json = certificateJson(registered);
  const described =
    facts.kind === 'certificate'
      ? [
          ['subject', formatName(facts.subject)],
          ['issuer', formatName(facts.issuer)],
          ['serial number', facts.serialNumber],
          ['valid from', facts.notBefore.toISOString()],
          ['valid until', facts.notAfter.toISOString()],
          ['key', `${facts.keyAlgorithm === 'rsa' ? 'RSA' : 'not RSA'} ${facts.keyBits ?? ''}`.trimEnd()],
          ['signature', facts.signatureAlgorithm],
        ]
      : [['content', `no certificate: ${facts.reason}`]];
  return table([
    ['digest', json.digest],
    ['identifier', json.identifier],
    ['account', json.account ?? '-'],
    ['machine', machineText(registered)],
    ...described,
    ['bytes', String(json.bytes)],
    ['findings', findings.length === 0 ? 'none' : findings.join(', ')],
  ]);
}
