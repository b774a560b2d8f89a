import type { Command } from 'commander';
import { findPassword, type PasswordOrigin } from '../access/credentials.ts';
import { askWhoWeAre } from '../access/identity.ts';
import { requireServer } from '../access/servers.ts';
import { exitCodes } from '../exit-codes.ts';
import { addExamples } from '../help.ts';
import { addDirectoryOptions, addOutputOptions, newCommand } from '../options.ts';
import { printResult } from '../output.ts';
import { table } from '../render/table.ts';
import { type DirectorySettings, readSettings, settings } from '../settings.ts';

export function whoamiCommand(): Command {
  const command = newCommand('whoami')
    .summary('show who we are to the directory')
    .description('Binds and shows the account, the server, and where the password came from.');
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [['whoami --directory ad://corp.example --auth kerberos', 'whose ticket is it']]);
  return command.action(async (_options, self: Command) => {
    await whoami(self);
  });
}

export async function whoami(command: Command): Promise<void> {
  const options = await readSettings(command, settings.directory);
  requireServer(options);
  let origin: PasswordOrigin | null = null;
  const { account, sids, server } = await askWhoWeAre(options, async (given, bind) => {
    const found = await findPassword(given, bind);
    origin = found.origin;
    return found.password;
  });
  const sid = sids[0] ?? null;
  const json = {
    schema: 1,
    account,
    sid,
    server,
    auth: options.auth,
    bind: options.bind ?? null,
    passwordFrom: origin,
  };
  const rows = [
    ['account', account ?? 'not told by the directory'],
    ['SID', sid ?? 'not told by the directory'],
    ['server', server],
    ['bound with', boundWith(options, origin)],
  ];
  printResult({ exitCode: exitCodes.done, json, lines: table(rows) }, options);
}

const ORIGINS: Record<PasswordOrigin, string> = {
  file: 'the password in a file',
  stdin: 'the password from standard input',
  environment: 'the password in MSMQ_CERT_PASSWORD',
  keychain: 'the password in the keychain of this system',
  prompt: 'the password that was typed',
};

function boundWith({ auth, passwordFile }: DirectorySettings, origin: PasswordOrigin | null): string {
  if (origin === null) return auth === 'kerberos' ? 'a Kerberos ticket' : 'a client certificate';
  return origin === 'file' ? `the password in ${passwordFile}` : ORIGINS[origin];
}
