import { Command, Option } from 'commander';
import ms from 'ms';
import { addDirectoryOptions, addExamples, addOutputOptions, parseDuration } from '../options.ts';

export function auditCommand(): Command {
  const command = new Command('audit')
    .summary('find what is wrong with the certificates of all users')
    .description(
      'Goes through every user of the domain, decodes what is registered and says what is wrong with it, with the command that helps. Changes nothing. The codes are explained in docs/findings.md.',
    )
    .option('--users-from <file>', 'only these users, one a line; - for standard input')
    .option('--filter <filter>', 'only users that match this LDAP filter')
    .option(
      '--include <kinds>',
      'further objects, separated by commas: computers, managed-service-accounts, migrated-users',
    )
    .option('--all', 'print the users without findings too')
    .option(
      '--expiring-within <duration>',
      'certificates that end within this time are expiring',
      parseDuration,
      ms('30d'),
    )
    .option(
      '--machine-inactive <duration>',
      'a machine that has not logged on for this long is inactive',
      parseDuration,
      ms('180d'),
    )
    .option('--fail-on <codes>', 'exit 1 when one of these findings is there, separated by commas; any for every code')
    .addOption(new Option('--ndjson', 'print JSON, one user a line').conflicts('json'))
    .option('--csv <file>', 'write a table with one line a finding')
    .option('--html <file>', 'write a report for the browser');
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    ['audit --directory ldif:users.ldif', 'an export of the directory'],
    ['audit --fail-on expired,expiring,digest-missing --expiring-within 60d --quiet', 'a check for a pipeline'],
    ['audit --base-dn OU=Sales,DC=corp,DC=example --include computers --html report.html', 'a part of the domain'],
    ['audit --ndjson --all | jq -c "select(.certificates | length > 100)"', 'one user a line for other tools'],
  ]);
  return command.action(async (_options, self: Command) => {
    const { audit } = await import('../audit/audit.ts');
    await audit(self);
  });
}
