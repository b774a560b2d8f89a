/** How a command is to be run every day. */
export interface Plan {
  /** Of the units or the task. */
  name: string;
  /** HH:MM, local time. */
  at: string;
  randomDelayMs: number;
  /** The program and what leads it to this tool. */
  program: string[];
  /** The account that it runs as. */
  runAs?: string;
  /** Client keytab for --auth kerberos. */
  keytab?: string;
  /** A systemd unit. */
  onFailure?: string;
}

export interface ScheduleFile {
  name: string;
  content: string;
}

export function asSeconds(milliseconds: number): number {
  return Math.round(milliseconds / 1000);
}
