import { Command, InvalidArgumentError, Option } from 'commander';
import ms from 'ms';
import { parseShard, type Shard } from '../directory/shard.ts';
import { durationOf } from '../plan/duration.ts';
import { rare, showsAll } from './help.ts';

/** A verb on the command line is carried out at once, below `plan` written to a file, or below `queue submit` by workers. */
export type Purpose = 'carry-out' | 'plan' | 'queue';

const WHAT = 'What:';
const KEYS = 'Keys and delivery:';
const HOW = 'How:';
const WHERE = 'Where, and as whom:';
const OUTPUT = 'Output:';

/** A command whose own options say what is to be done. */
export function newCommand(name: string): Command {
  return new Command(name).optionsGroup(WHAT);
}

/** A duration such as 30d, 8y or 12h, in milliseconds. */
export function parseDuration(text: string): number {
  const value = durationOf(text);
  if (value === null) throw new InvalidArgumentError('give a number and a unit, such as 8y, 6mo, 30d or 12h.');
  return value;
}

export function parseCount(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('give a whole number from 1 on.');
  return value;
}

export function shardOf(text: string): Shard {
  const shard = parseShard(text);
  if (shard === null) throw new InvalidArgumentError('give a part and the number of parts, such as 2/8.');
  return shard;
}

export function shardOption(): Option {
  return new Option('--shard <i/n>', 'only part i of n of the users, told by their objectGUID').argParser(shardOf);
}

export function parseRate(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('give a number above 0.');
  return value;
}

export function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

/** An option with a default duration, which the help shows as people write it. */
export function durationOption(flags: string, description: string, byDefault: ms.StringValue): Option {
  return new Option(flags, description).argParser(parseDuration).default(ms(byDefault), byDefault);
}

/** Where the directory is and who asks: every command that talks to one has these. */
export function addDirectoryOptions(command: Command): Command {
  command
    .optionsGroup(WHERE)
    .addOption(common('--directory <url>', 'ad://, ldaps://, ldap:// (StartTLS), ldif:<file>'))
    .addOption(common('--bind <name>', 'who binds: DN, UPN or DOMAIN\\user'))
    .addOption(common('--auth <way>', 'how to bind').choices(['simple', 'kerberos', 'external']).default('simple'))
    .addOption(common('--password-file <file>', 'password; else MSMQ_CERT_PASSWORD, login, a prompt'))
    .addOption(rare(new Option('--password-stdin', 'read the password from the first line of standard input')))
    .addOption(common('--ca-file <pem>', "authorities to trust for TLS, besides the system's"))
    .addOption(rare(common('--tls-fingerprint <sha256>', "trust the server's certificate by its SHA-256 instead")))
    .addOption(rare(common('--client-cert <pem>', 'client certificate for --auth external')))
    .addOption(rare(common('--client-key <pem>', 'its private key')))
    .addOption(rare(common('--dns-server <ip>', 'DNS server to ask; may be given again')).argParser(collect))
    .addOption(rare(common('--site <name>', 'Active Directory site of near domain controllers')))
    .addOption(
      rare(common('--read-from <server>', 'with ad://: what commands that only read ask'))
        .choices(['pdc', 'near'])
        .default('pdc'),
    )
    .addOption(common('--base-dn <dn>', 'search below this DN; else the whole domain'))
    .addOption(rare(common('--domain <name>', 'NetBIOS name of the domain; else asked of the directory')))
    .addOption(
      rare(common('--timeout <duration>', 'give up on an answer of the directory after this long'))
        .argParser(parseDuration)
        .default(ms('30s'), '30s'),
    )
    .addOption(
      rare(
        common('--subject <template>', 'of certificates; may be given again; else CN=[{account}\\, {machine}]'),
      ).argParser(collect),
    )
    .addOption(
      rare(new Option('--machine-of <digest=machine>', 'say whose a certificate is; may be given again')).argParser(
        collect,
      ),
    )
    .addOption(rare(new Option('--machines-from <file>', 'say so for many: CSV with digest and machine')))
    .addOption(
      rare(common('--max-certificates <n>', 'certificates that fit on one user')).argParser(parseCount).default(820),
    );
  return command;
}

/** An option that every command shares has its own variable: --ca-file is MSMQ_CERT_CA_FILE. */
function common(flags: string, description: string): Option {
  const option = new Option(flags, description);
  return option.env(`MSMQ_CERT_${option.name().replaceAll('-', '_').toUpperCase()}`);
}

/** How a command talks: every command has these. */
export function addOutputOptions(command: Command): Command {
  return command
    .optionsGroup(OUTPUT)
    .addOption(common('--json', 'print one JSON document'))
    .addOption(common('--quiet', 'print nothing but errors'))
    .addOption(rare(common('--verbose', 'say more, with stack traces for errors')))
    .addOption(rare(new Option('--no-progress', 'show no progress').env('MSMQ_CERT_NO_PROGRESS')))
    .addOption(common('--config <file>', 'JSON file with defaults for options'))
    .addOption(rare(common('--profile <name>', 'take the defaults of this profile in it')))
    .helpOption('-h, --help', showsAll ? 'show this help' : 'show this help; --help-all shows all options');
}

/** What every command that writes has. */
export function addVerbOptions(command: Command, purpose: Purpose = 'carry-out'): Command {
  if (purpose === 'queue') return addSubmitOptions(command);
  command
    .optionsGroup(HOW)
    .addOption(new Option('--detailed-exitcode', 'exit 10 when something changed or would change'))
    .addOption(
      rare(new Option('--concurrency <n>', 'users that are written side by side')).argParser(parseCount).default(4),
    )
    .addOption(rare(new Option('--ndjson', 'print one result a line as it comes, the summary last')));
  return purpose === 'plan' ? command : addWriteOptions(command);
}

/** For commands that can take many users. */
export function addShardOption(command: Command): Command {
  return command.optionsGroup(WHAT).addOption(rare(shardOption()));
}

/** What every command below `queue submit` has. */
function addSubmitOptions(command: Command): Command {
  return addDatabaseOption(command)
    .optionsGroup(HOW)
    .option('--yes', 'go ahead where the command would refuse')
    .addOption(rare(new Option('--new-run', 'submit it also while the same is at work')))
    .addOption(
      rare(new Option('--concurrency <n>', 'users that are looked up side by side')).argParser(parseCount).default(4),
    );
}

/** For commands that talk to the queue. */
export function addDatabaseOption(command: Command): Command {
  return command
    .optionsGroup(WHERE)
    .addOption(
      common('--database <connection>', 'of the queue: postgres://user@host/name, or service=name; without a password'),
    );
}

/** What only a command that writes at once has. */
export function addWriteOptions(command: Command): Command {
  return addMetricsOption(command)
    .option('--dry-run', 'show what would change, and change nothing')
    .addOption(
      rare(
        new Option(
          '--alone',
          'end at once, with exit code 0, while another such run works in --out; so with --everyone',
        ),
      ),
    )
    .option('--yes', 'go ahead where the command would ask or refuse')
    .option('--ldif <file>', 'write changes as LDIF too; with --dry-run only so')
    .addOption(
      rare(
        new Option(
          '--wait-replication [duration]',
          'wait until every domain controller has it, such as --wait-replication=5m',
        ),
      )
        .argParser(parseDuration)
        .preset('15m'),
    )
    .addOption(rare(new Option('--journal <file>', 'journal of the run; else a new file in journal below --out')))
    .addOption(
      rare(
        new Option('--resume-within <duration>', 'go on with a run that was cut short if it began so recently (24h)'),
      ).argParser(parseDuration),
    )
    .addOption(rare(new Option('--new-run', 'begin anew, whatever was cut short')))
    .addOption(rare(new Option('--insecure-file-system', 'write keys also where others can read them')))
    .addOption(rare(new Option('--rate <n>', 'at most so many directory writes a second')).argParser(parseRate))
    .addOption(rare(new Option('--fail-fast', 'begin no new user after one has failed')))
    .addOption(
      rare(new Option('--max-failures <n>', 'begin no new user after more than so many failed')).argParser(parseCount),
    );
}

/** For commands that run on a schedule. */
export function addMetricsOption(command: Command): Command {
  return command.addOption(
    rare(new Option('--metrics-file <file>', 'write how it went for Prometheus, such as renew.prom')),
  );
}

/** For commands that name users as arguments. */
export function addUserListOption(command: Command): Command {
  return command.optionsGroup(WHAT).option('--users-from <file>', 'more users, one a line; - for standard input');
}

/** For commands that can go through a whole domain. */
export function addEveryoneOptions(command: Command): Command {
  return command
    .optionsGroup(WHAT)
    .option('--everyone', 'all users below --base-dn; those who need nothing are only counted')
    .option('--filter <filter>', 'with --everyone: only users that match this LDAP filter')
    .addOption(
      new Option('--limit <n>', 'with --everyone: at most so many certificates, those that end first').argParser(
        parseCount,
      ),
    );
}

/** For commands that make certificates to be delivered. */
export function addHookOptions(command: Command): Command {
  return command
    .optionsGroup(KEYS)
    .option('--deploy-hook <command>', 'run this for each new certificate')
    .addOption(
      rare(durationOption('--hook-timeout <duration>', 'end a deploy hook or key sink after this long', '60s')),
    );
}

/** What becomes of new keys. */
export function addHandoverOptions(command: Command): Command {
  return command
    .optionsGroup(KEYS)
    .option('--seal-to <file>', 'seal PFX and passphrase to this certificate')
    .addOption(rare(new Option('--seal-padding <name>', 'oaep (default) or pkcs1').choices(['oaep', 'pkcs1'])))
    .option('--key-sink <command>', 'give each PFX and passphrase to this command instead');
}

/** Where a command that makes no keys leaves what it writes. */
export function addOutFolderOption(command: Command, purpose: Purpose = 'carry-out'): Command {
  command.optionsGroup(HOW);
  if (purpose === 'queue') return command;
  if (purpose === 'carry-out') return command.option('--out <dir>', 'folder for journals and backups', 'msmq-certs');
  return command.requiredOption('--out <file>', 'where to write the plan; the file must not exist');
}

/** How new keys are made. */
export function addKeyOptions(command: Command, purpose: Purpose): Command {
  command.optionsGroup(KEYS);
  if (purpose === 'plan') command.requiredOption('--out <file>', 'where to write the plan; the file must not exist');
  if (purpose === 'carry-out') command.option('--out <dir>', 'folder for the key files', 'msmq-certs');
  command
    .addOption(rare(new Option('--key-size <bits>', 'RSA key size')).choices(['2048', '3072', '4096']).default('2048'))
    .addOption(durationOption('--valid-for <duration>', 'validity of a new certificate', '8y'))
    .addOption(
      rare(new Option('--hash <name>', 'signature hash; sha1 for old receivers'))
        .choices(['sha256', 'sha384', 'sha512', 'sha1'])
        .default('sha256'),
    )
    .addOption(
      rare(new Option('--pfx-encryption <name>', 'AES256_SHA256 is stronger; Windows before 2019 cannot import it'))
        .choices(['TripleDES_SHA1', 'AES256_SHA256'])
        .default('TripleDES_SHA1'),
    );
  // whoever makes the keys says where they go
  return purpose === 'queue' ? command : addPassphraseOption(command);
}

export function addPassphraseOption(command: Command): Command {
  return command
    .optionsGroup(KEYS)
    .option('--passphrase-file <file>', 'one passphrase for all PFX files; else random ones');
}
