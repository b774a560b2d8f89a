import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runMsmqCert } from './msmq-cert.ts';

/**
 * Each transcript is a session on the embedded directory of four users, in a folder of its own: the commands, and exactly
 * what they print. `$ ` is a command, `! ` a line on standard error, `= ` an exit code that is not 0, `< name` begins the
 * lines of a file, up to an empty one. Everything else is standard output. What differs from run to run has a placeholder.
 */
const folder = fileURLToPath(new URL('transcripts/', import.meta.url));
const fixture = fileURLToPath(new URL('../fixtures/demo.ldif', import.meta.url));

describe('transcripts of the command line', () => {
  for (const name of readdirSync(folder)) {
    it(name.replace('.txt', '').replaceAll('-', ' '), async () => {
      const expected = readFileSync(join(folder, name), 'utf8');
      const actual = await replay(expected);
      if (process.env['UPDATE_TRANSCRIPTS'] === 'yes') writeFileSync(join(folder, name), actual);
      else assert.equal(actual, expected);
    });
  }
});

async function replay(transcript: string): Promise<string> {
  const cwd = mkdtempSync(join(tmpdir(), 'msmq-cert-transcript-'));
  cpSync(fixture, join(cwd, 'users.ldif'));
  try {
    const said: string[] = [];
    for (const paragraph of paragraphsOf(transcript)) {
      if (paragraph.kind === 'text') said.push(paragraph.text);
      else if (paragraph.kind === 'file') {
        writeFileSync(join(cwd, paragraph.name), paragraph.text);
        said.push(`< ${paragraph.name}\n${paragraph.text}\n`);
      } else said.push(await run(paragraph.line, cwd));
    }
    return said.join('');
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

type Paragraph =
  | { kind: 'text'; text: string }
  | { kind: 'file'; name: string; text: string }
  | { kind: 'command'; line: string };

function paragraphsOf(transcript: string): Paragraph[] {
  const paragraphs: Paragraph[] = [];
  let isOutput = false;
  for (const block of transcript.split(/(?<=\n)(?=\$ |# |< )/)) {
    const [first = '', ...rest] = block.split('\n');
    if (first.startsWith('$ ')) {
      paragraphs.push({ kind: 'command', line: first.slice(2) });
      isOutput = true;
    } else if (first.startsWith('< ')) {
      paragraphs.push({ kind: 'file', name: first.slice(2), text: rest.slice(0, -1).join('\n') });
      isOutput = false;
    } else if (!isOutput || isRemark(block)) {
      paragraphs.push({ kind: 'text', text: block });
      isOutput = false;
    }
  }
  return paragraphs;
}

/** A remark stands alone; what a command prints may have lines with # among others. */
function isRemark(block: string): boolean {
  return block.split('\n').every((line) => line === '' || line.startsWith('# '));
}

async function run(line: string, cwd: string): Promise<string> {
  const [program, ...words] = line.match(/'[^']*'|\S+/g)?.map((word) => word.replaceAll("'", '')) ?? [];
  assert.equal(program, 'msmq-cert', `a transcript runs msmq-cert, not ${program}`);
  const { code, stdout, stderr } = await runMsmqCert(words, { cwd, env: { MSMQ_CERT_DIRECTORY: 'ldif:users.ldif' } });
  const errors = stderr.replace(/^/gm, '! ').replace(/! $/, '');
  const exit = code === 0 ? '' : `= ${code}\n`;
  return `$ ${line}\n${withPlaceholders(stdout)}${withPlaceholders(errors)}${exit}\n`;
}

function withPlaceholders(text: string): string {
  return text
    .replaceAll(/journal\/[\w-]+\.ndjson/g, 'journal/<journal>')
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<identifier>')
    .replaceAll(/\b[0-9a-f]{32}\b/g, (digest) => (known.has(digest) ? digest : '<digest>'))
    .replaceAll(/\b20\d\d-\d\d-\d\d(T[\d:.]+Z)?/g, '<date>')
    .replaceAll(/(certificates?), \d+ bytes/g, '$1, <n> bytes')
    .replaceAll(/"(serialNumber)": "[0-9A-F]+"/g, '"$1": "<serial>"');
}

/** The digests of the fixture are the same in every run, and show which certificate is meant. */
const known = new Set(
  [...readFileSync(fixture, 'utf8').matchAll(/mSMQDigests:: (\S+)/g)].map(([, digest = '']) =>
    Buffer.from(digest, 'base64').toString('hex'),
  ),
);
