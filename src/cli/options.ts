import { type Command, InvalidArgumentError, Option } from 'commander';
import ms from 'ms';
import { durationOf } from '../plan/duration.ts';

/** A verb on the command line is carried out at once, or below `plan` written to a file. */
export type Purpose = 'carry-out' | 'plan';

/** A duration such as 30d, 8y or 12h, in milliseconds. */
export function parseDuration(text: string): number {
  const value = durationOf(text);
  if (value === null) throw new InvalidArgumentError('give a number and a unit, such as 8y, 30d or 12h.');
  return value;
}

export function parseCount(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('give a whole number from 1 on.');
  return value;
}

export function parseRate(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('give a number above 0.');
  return value;
}

export function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

/** Where the directory is and who asks: every command that talks to one has these. */
export function addDirectoryOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--directory <url>',
        'ad://corp.example (domain controllers found by DNS), ldaps://dc1.corp.example, ldap://… (StartTLS before any bind) or ldif:users.ldif',
      ).env('MSMQ_CERT_DIRECTORY'),
    )
    .addOption(
      new Option('--auth <way>', 'how to bind: with a password, a Kerberos ticket or keytab, or a client certificate')
        .choices(['simple', 'kerberos', 'external'])
        .default('simple'),
    )
    .addOption(
      new Option('--bind <name>', 'who binds: DN, UPN or DOMAIN\\user; with Kerberos one principal of several').env(
        'MSMQ_CERT_BIND',
      ),
    )
    .option(
      '--password-file <file>',
      'read the password from the first line of a file (else MSMQ_CERT_PASSWORD, what login keeps, or a prompt)',
    )
    .option('--password-stdin', 'read the password from the first line of standard input')
    .option('--ca-file <pem>', "trust these authorities for TLS, besides the system's")
    .option('--tls-fingerprint <sha256>', "trust the server's certificate by its SHA-256, whatever its name")
    .option('--client-cert <pem>', 'client certificate for --auth external')
    .option('--client-key <pem>', 'its private key')
    .option('--dns-server <ip>', 'ask this DNS server, repeatable (default: those of this machine)', collect)
    .option('--site <name>', 'Active Directory site whose domain controllers are near')
    .addOption(
      new Option(
        '--read-from <server>',
        'for commands that only read, with ad://: the PDC emulator, or a domain controller that is near',
      )
        .choices(['pdc', 'near'])
        .default('pdc'),
    )
    .option('--base-dn <dn>', "search below this distinguished name (default: the directory's own naming context)")
    .option('--domain <name>', 'the NetBIOS name of the domain (default: asked of the directory)')
    .option('--timeout <duration>', 'give up on an answer of the directory after this long', parseDuration, 30_000)
    .option(
      '--subject <template>',
      'subject convention with {account} and {machine} (default: CN=[{account}\\, {machine}])',
    )
    .option('--max-certificates <n>', 'certificates that fit on one user', parseCount, 820);
}

/** How a command talks: every command has these. */
export function addOutputOptions(command: Command): Command {
  return command
    .option('--json', 'print one JSON document')
    .option('--quiet', 'print nothing but errors')
    .option('--verbose', 'say more, with stack traces for errors')
    .option('--no-progress', 'show no progress')
    .addOption(new Option('--config <file>', 'JSON file with defaults for these options').env('MSMQ_CERT_CONFIG'));
}

/** What every command that writes has. */
export function addMutationOptions(command: Command, purpose: Purpose = 'carry-out'): Command {
  command
    .option('--detailed-exitcode', 'exit 10 when something changed, or with --dry-run would change')
    .option('--concurrency <n>', 'users that are written side by side', parseCount, 4)
    .option('--ndjson', 'print one result a line as it comes, the summary last');
  return purpose === 'plan' ? command : addWriteOptions(command);
}

/** What only a command that writes at once has. */
export function addWriteOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--wait-replication [duration]',
        'wait until every domain controller has what was written, at most so long: --wait-replication=5m (15m if not said)',
      )
        .argParser(parseDuration)
        .preset('15m'),
    )
    .option('--dry-run', 'show what would be kept, added and deleted, and change nothing')
    .option('--ldif <file>', 'write each change as LDIF too; with --dry-run write it there instead of to the directory')
    .option('--yes', 'go ahead where the command would ask or refuse')
    .option('--journal <file>', 'where to write the journal of the run (default: a new file in journal below --out)')
    .option('--rate <n>', 'at most so many directory writes a second', parseRate)
    .option('--fail-fast', 'begin no new user after one has failed')
    .option('--max-failures <n>', 'begin no new user after more than so many have failed', parseCount);
}

/** For commands that name users as arguments. */
export function addUserListOption(command: Command): Command {
  return command.option('--users-from <file>', 'more users, one a line; - for standard input');
}

/** For commands that make certificates to be delivered. */
export function addHookOptions(command: Command): Command {
  return command
    .option('--deploy-hook <command>', 'run this for each new certificate; it finds its facts in MSMQ_CERT_… variables')
    .option('--hook-timeout <duration>', 'end a deploy hook after this long (default: 60s)', parseDuration);
}

/** Where a command that makes no keys leaves what it writes. */
export function addOutFolderOption(command: Command, purpose: Purpose = 'carry-out'): Command {
  if (purpose === 'carry-out') return command.option('--out <dir>', 'folder for journals and backups', 'msmq-certs');
  return command.requiredOption('--out <file>', 'where to write the plan; the file must not exist');
}

/** How new keys are made. */
export function addKeyOptions(command: Command, purpose: Purpose): Command {
  if (purpose === 'plan') command.requiredOption('--out <file>', 'where to write the plan; the file must not exist');
  else command.option('--out <dir>', 'folder for the key files', 'msmq-certs');
  return command
    .addOption(new Option('--key-size <bits>', 'RSA key size').choices(['2048', '3072', '4096']).default('2048'))
    .option('--valid-for <duration>', 'validity of a new certificate', parseDuration, ms('8y'))
    .addOption(
      new Option('--hash <name>', 'signature hash; sha1 for old receivers')
        .choices(['sha256', 'sha384', 'sha512', 'sha1'])
        .default('sha256'),
    )
    .addOption(
      new Option(
        '--pfx-encryption <name>',
        'AES256_SHA256 is stronger, but Windows before Server 2019 cannot import it',
      )
        .choices(['TripleDES_SHA1', 'AES256_SHA256'])
        .default('TripleDES_SHA1'),
    )
    .option('--passphrase-file <file>', 'passphrase for every PFX (default: a random one each, written beside it)');
}

/** Real examples in the help of a command, the line first, then what it does. */
export function addExamples(
  command: Command,
  examples: readonly (readonly [line: string, meaning: string])[],
): Command {
  const text = examples.map(([line, meaning]) => `  # ${meaning}\n  $ msmq-cert ${line}`).join('\n\n');
  return command.addHelpText('after', `\nExamples:\n${text}\n`);
}

/** What every command that makes certificates for named users has. */
export function addIssuingOptions(command: Command, purpose: Purpose): void {
  addKeyOptions(command, purpose);
  addUserListOption(command);
  addMutationOptions(command, purpose);
  if (purpose === 'carry-out') addHookOptions(command);
  addDirectoryOptions(command);
  addOutputOptions(command);
}

/** What every command has that takes up a file of an earlier run. */
export function addRunOptions(command: Command): void {
  addMutationOptions(command);
  addDirectoryOptions(command);
  addOutputOptions(command);
}
