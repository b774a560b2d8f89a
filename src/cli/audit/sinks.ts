import { csvSink } from './csv.ts';
import { htmlSink } from './html.ts';
import { jsonSink, ndjsonSink } from './json.ts';
import type { AuditSettings } from './settings.ts';
import type { AuditHead, AuditSink } from './sink.ts';
import { textSink } from './text.ts';

/** The forms of output that were asked for, as one. */
export async function openSinks(settings: AuditSettings, head: AuditHead): Promise<AuditSink> {
  const sinks = [printed(settings, head)];
  if (settings.csv !== undefined) sinks.push(await csvSink(settings.csv, settings));
  if (settings.html !== undefined) sinks.push(htmlSink(settings.html, settings, head));
  return {
    async add(audited) {
      for (const sink of sinks) await sink.add(audited);
    },
    async end(summary, failure) {
      for (const sink of sinks) await sink.end(summary, failure);
    },
  };
}

function printed(settings: AuditSettings, head: AuditHead): AuditSink {
  if (settings.json) return jsonSink(settings, head);
  return settings.ndjson ? ndjsonSink(settings, head) : textSink(settings, head);
}
