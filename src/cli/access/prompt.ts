import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { askFor, isTerminal, tell } from '../terminal.ts';

/** Whether there is somebody to ask. */
export function canPrompt(): boolean {
  return process.stdin.isTTY && isTerminal.errors;
}

/** Asks on the terminal without showing what is typed. */
export async function promptForSecret(question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  lines.on('SIGINT', () => process.emit('SIGINT'));
  // only now does the terminal show nothing of what is typed
  askFor(question);
  try {
    return await lines.question('');
  } finally {
    lines.close();
    tell('');
  }
}
