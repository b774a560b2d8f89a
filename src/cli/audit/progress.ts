import { counted } from '../../counted.ts';
import type { OutputSettings } from '../settings.ts';
import { tell } from '../terminal.ts';

/** How far an audit is: nobody knows beforehand how many users there are, so it only counts. */
export interface AuditProgress {
  read(): void;
  stop(): void;
}

const LINE_EVERY_MS = 5000;

/** A line every few seconds on standard error; nothing for audits that are over before that. */
export function auditProgress(settings: OutputSettings): AuditProgress {
  if (!settings.progress || settings.quiet) return { read: () => {}, stop: () => {} };
  const begun = Date.now();
  let users = 0;
  const timer = setInterval(() => {
    const perSecond = users / ((Date.now() - begun) / 1000);
    tell(
      users === 0
        ? 'audit: reading computers and digests'
        : `audit: ${counted(users, 'user')}, ${perSecond.toFixed(0)} a second`,
    );
  }, LINE_EVERY_MS).unref();
  return {
    read: () => {
      users++;
    },
    stop: () => clearInterval(timer),
  };
}
