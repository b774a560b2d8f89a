import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { type AccountName, type Lab, readPassword } from './lab.ts';

/** Where the Kerberos programs find the lab and their ticket. */
export function kerberosEnv(lab: Lab, cache: string): Record<string, string> {
  return { KRB5_CONFIG: lab.krb5Config, KRB5CCNAME: `FILE:${cache}` };
}

/** Gets a ticket with kinit. */
export async function kinit(lab: Lab, cache: string, as: AccountName, ...words: string[]): Promise<void> {
  await runProgram(['kinit', ...words, as], kerberosEnv(lab, cache), await readPassword(lab, as));
}

/** Writes a keytab with the key that the password of an account gives. */
export async function makeKeytabOf(lab: Lab, as: AccountName, keytab: string): Promise<void> {
  const entry = `addent -password -p ${as}@${lab.realm} -k 1 -e aes256-cts-hmac-sha1-96`;
  const input = `${entry}\n${await readPassword(lab, as)}\nwkt ${keytab}\nquit\n`;
  await runProgram(['ktutil'], { KRB5_CONFIG: lab.krb5Config }, input);
}

export async function runProgram(command: string[], env: Record<string, string> = {}, input = ''): Promise<void> {
  const [program = '', ...words] = command;
  const child = spawn(program, words, {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  // a program that asks for no password does not read it
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${said}`);
}
