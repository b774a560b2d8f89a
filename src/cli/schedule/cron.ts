import { resolve } from 'node:path';
import { quotedForPosix } from '../../advice.ts';
import type { Plan, ScheduleFile } from './plan.ts';
import type { ScheduledCommand, Word } from './scheduled-command.ts';

/** One line for the crontab of the account that runs it. Cron itself has no random delay. */
export function crontabLine({ verb, words }: ScheduledCommand, { name, at, program, keytab }: Plan): ScheduleFile[] {
  const [hour, minute] = at.split(':').map(Number);
  const environment =
    keytab === undefined
      ? []
      : [`KRB5_CLIENT_KTNAME=${quotedForPosix(`FILE:${keytab}`)}`, 'KRB5CCNAME=MEMORY:msmq-cert'];
  const line = [...environment, ...[...program, ...words.map(inCrontab)].map(quotedForPosix)].join(' ');
  const content = [
    `# msmq-cert ${verb} every day; what it says on standard error goes to MAILTO`,
    // cron takes a percent sign for the end of the line
    `${minute} ${hour} * * * ${line.replaceAll('%', '\\%')}`,
  ];
  return [{ name: `${name}.crontab`, content: `${content.join('\n')}\n` }];
}

function inCrontab(word: Word): string {
  if (word.kind === 'text') return word.text;
  return word.kind === 'secret' ? word.file : resolve('msmq-certs');
}
