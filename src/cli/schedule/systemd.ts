import { asSeconds, type Plan, type ScheduleFile } from './plan.ts';
import type { ScheduledCommand, Word } from './scheduled-command.ts';

/** A service, its timer, and unless another one is named a unit that tells of a failure. */
export function systemdUnits(command: ScheduledCommand, plan: Plan): ScheduleFile[] {
  const { name, onFailure } = plan;
  const failure = onFailure ?? `${name}-failed.service`;
  const units = [
    { name: `${name}.service`, content: serviceUnit(command, plan, failure) },
    { name: `${name}.timer`, content: timerUnit(command, plan) },
  ];
  return onFailure === undefined ? [...units, { name: failure, content: failureUnit(command, plan) }] : units;
}

function serviceUnit({ verb, words, writesTo }: ScheduledCommand, plan: Plan, failure: string): string {
  const { runAs = 'msmq-cert', keytab } = plan;
  const secrets = words.flatMap((word) => (word.kind === 'secret' ? [`${word.name}:${escaped(word.file)}`] : []));
  const line = [...plan.program.map(literal), ...words.map(inUnit)].join(' ');
  return lines(
    '[Unit]',
    `Description=msmq-cert ${verb}`,
    'Wants=network-online.target',
    'After=network-online.target nss-lookup.target',
    `OnFailure=${failure}`,
    '',
    '[Service]',
    'Type=oneshot',
    `ExecStart=${line}`,
    '# what --detailed-exitcode says for changes',
    'SuccessExitStatus=10',
    `User=${runAs}`,
    'StateDirectory=msmq-cert',
    'StateDirectoryMode=0700',
    'WorkingDirectory=%S/msmq-cert',
    ...secrets.map((secret) => `LoadCredential=${secret}`),
    ...(keytab === undefined
      ? []
      : [
          `LoadCredential=keytab:${escaped(keytab)}`,
          'Environment=KRB5_CLIENT_KTNAME=FILE:%d/keytab KRB5CCNAME=MEMORY:msmq-cert',
        ]),
    ...writesTo.map((folder) => `ReadWritePaths=${quoted(folder)}`),
    ...HARDENING,
  );
}

/** Memory that is written and run cannot be forbidden: JavaScript is compiled while it runs. */
const HARDENING = [
  'UMask=0077',
  'NoNewPrivileges=yes',
  'CapabilityBoundingSet=',
  'ProtectSystem=strict',
  'ProtectHome=read-only',
  'PrivateTmp=yes',
  'PrivateDevices=yes',
  'ProtectClock=yes',
  'ProtectControlGroups=yes',
  'ProtectHostname=yes',
  'ProtectKernelLogs=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelTunables=yes',
  'ProtectProc=invisible',
  'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'LockPersonality=yes',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
];

function timerUnit({ verb }: ScheduledCommand, { at, randomDelayMs }: Plan): string {
  return lines(
    '[Unit]',
    `Description=msmq-cert ${verb} every day`,
    '',
    '[Timer]',
    `OnCalendar=*-*-* ${at}:00`,
    `RandomizedDelaySec=${asSeconds(randomDelayMs)}`,
    '# a run that was missed while the machine was off is made up for',
    'Persistent=true',
    '',
    '[Install]',
    'WantedBy=timers.target',
  );
}

function failureUnit({ verb }: ScheduledCommand, { name }: Plan): string {
  return lines(
    '[Unit]',
    `Description=Tell that msmq-cert ${verb} has failed`,
    '',
    '[Service]',
    'Type=oneshot',
    '# put here what reaches somebody',
    `ExecStart=/usr/bin/logger --priority user.err --tag ${name} "failed: journalctl --unit ${name}.service tells why"`,
  );
}

function lines(...all: string[]): string {
  return `${all.join('\n')}\n`;
}

function inUnit(word: Word): string {
  if (word.kind === 'secret') return `%d/${word.name}`;
  return word.kind === 'folder' ? '%S/msmq-cert' : literal(word.text);
}

/** A word of a command line: systemd expands variables and specifiers there. */
function literal(word: string): string {
  return quoted(word.replaceAll('$', '$$$$'));
}

function quoted(word: string): string {
  const plain = escaped(word);
  return /^[\w@%+=:,./$-]+$/.test(plain) ? plain : `"${plain.replace(/[\\"]/g, '\\$&')}"`;
}

function escaped(word: string): string {
  return word.replaceAll('%', '%%');
}
