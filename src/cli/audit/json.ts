import type { Audited } from '../../inspect/audit/audit.ts';
import type { UserJson } from '../../inspect/audit/report.ts';
import { type ErrorJson, errorJson, noteDocument } from '../output.ts';
import { userJson } from '../render/json.ts';
import { printData, roomToPrint } from '../terminal.ts';
import type { AuditSettings } from './settings.ts';
import { type AuditHead, type AuditSink, isShown } from './sink.ts';

type Judged = Extract<Audited, { kind: 'judged' }>;

/** An object in the documents of audit: as in list, with its kind. */
export function auditedJson({ state, objectKind }: Judged): UserJson {
  return { ...userJson(state), kind: objectKind };
}

/** What an audit could not read of an object: all of it, or its blob, with the byte where that broke. */
export function errorsOf(audited: Audited): ({ user: string } & ErrorJson)[] {
  if (audited.kind === 'unread') return [{ user: audited.name, ...errorJson(audited.error) }];
  const { state } = audited;
  return state.kind === 'malformed' ? [{ user: state.user.account, ...errorJson(state.error) }] : [];
}

async function printed(text: string): Promise<void> {
  printData(text);
  await roomToPrint();
}

/** One document, written as the objects come: its summary stands at the end. */
export function jsonSink(settings: AuditSettings, { notes }: AuditHead): AuditSink {
  const errors: object[] = [];
  let begun = false;

  async function begin(): Promise<void> {
    noteDocument();
    if (!begun) await printed('{\n  "schema": 1,\n  "users": [');
    begun = true;
  }

  let separator = '\n';
  return {
    async add(audited) {
      errors.push(...errorsOf(audited));
      if (audited.kind === 'unread' || !isShown(audited, settings)) return;
      await begin();
      await printed(`${separator}    ${JSON.stringify(auditedJson(audited))}`);
      separator = ',\n';
    },
    async end(summary, failure) {
      await begin();
      if (failure !== null) errors.push({ user: null, ...errorJson(failure) });
      const rest = { notes, complete: failure === null, errors, summary };
      const indented = (value: unknown) => JSON.stringify(value, null, 2).replaceAll('\n', '\n  ');
      const fields = Object.entries(rest).map(([name, value]) => `  "${name}": ${indented(value)}`);
      await printed(`${separator === '\n' ? '' : '\n  '}],\n${fields.join(',\n')}\n}\n`);
    },
  };
}

/** One object a line, and the summary as the last. */
export function ndjsonSink(settings: AuditSettings, { notes }: AuditHead): AuditSink {
  const line = (document: object) => printed(`${JSON.stringify(document)}\n`);
  return {
    async add(audited) {
      if (audited.kind === 'unread') await line({ user: audited.name, error: errorJson(audited.error) });
      else if (isShown(audited, settings)) await line(auditedJson(audited));
    },
    async end(summary, failure) {
      const error = failure && { error: errorJson(failure) };
      await line({ schema: 1, summary, notes, complete: failure === null, ...error });
    },
  };
}
