import { resolve } from 'node:path';
import { asSeconds, type Plan, type ScheduleFile } from './plan.ts';
import type { ScheduledCommand, Word } from './scheduled-command.ts';

/**
 * A task for `schtasks /Create /XML`, which asks for the password of the account and keeps it. The encoding is not
 * declared, so that it is read right whether a shell writes it as UTF-8 or as UTF-16.
 */
export function taskXml({ verb, words }: ScheduledCommand, plan: Plan): ScheduleFile[] {
  const { name, at, randomDelayMs, program, runAs = '' } = plan;
  const [executable = '', ...before] = program;
  const line = [...before, ...words.map(inTask)].map(quotedForProgram).join(' ');
  const content = `<?xml version="1.0"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>msmq-cert ${verb} every day</Description>
    <URI>\\${escaped(name)}</URI>
  </RegistrationInfo>
  <Triggers>
    <CalendarTrigger>
      <StartBoundary>2026-01-01T${at}:00</StartBoundary>
      <Enabled>true</Enabled>
      <RandomDelay>PT${asSeconds(randomDelayMs)}S</RandomDelay>
      <ScheduleByDay>
        <DaysInterval>1</DaysInterval>
      </ScheduleByDay>
    </CalendarTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>${escaped(runAs)}</UserId>
      <LogonType>Password</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>true</RunOnlyIfNetworkAvailable>
    <Enabled>true</Enabled>
    <ExecutionTimeLimit>P3D</ExecutionTimeLimit>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>${escaped(executable)}</Command>
      <Arguments>${escaped(line)}</Arguments>
    </Exec>
  </Actions>
</Task>
`;
  return [{ name: `${name}.xml`, content }];
}

function inTask(word: Word): string {
  if (word.kind === 'text') return word.text;
  return word.kind === 'secret' ? word.file : resolve('msmq-certs');
}

/** As programs for Windows take their command line apart: a backslash counts only before a double quote. */
function quotedForProgram(word: string): string {
  if (word !== '' && !/[\s"]/.test(word)) return word;
  return `"${word.replace(/(\\*)"/g, '$1$1\\"').replace(/\\+$/, '$&$&')}"`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (character) => ENTITIES[character] ?? '');
}
