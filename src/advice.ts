import { UNSEEN } from './visible.ts';

/** An option of a printed command: alone, or with its value. */
export type CommandOption = `--${string}` | readonly [name: `--${string}`, value: string];

let commonOptions: readonly CommandOption[] = [];

/**
 * The options that every command needs to reach the same directory in the same way. Whoever reads the command line sets
 * them once; they never hold a secret.
 */
export function setCommonOptions(options: readonly CommandOption[]): void {
  commonOptions = options;
}

/**
 * A command of this tool as one line to paste: quoted for the shell of this system, with the options that lead to the
 * directory.
 * @param operands what stands without an option: users, files
 */
export function command(verb: string, operands: readonly string[], ...options: CommandOption[]): string {
  const words = ['msmq-cert', ...verb.split(' ')];
  const optionWords = [...options, ...commonOptions.filter((option) => isFor(verb, option))].flatMap(wordsOf);
  // After `--` nothing is an option, whatever it begins with.
  const isMistakable = operands.some((operand) => operand.startsWith('-'));
  const all = isMistakable ? [...words, ...optionWords, '--', ...operands] : [...words, ...operands, ...optionWords];
  return all.map((word) => quoted(word)).join(' ');
}

/** What only looks at the queue needs no directory, and what has no queue no database. */
function isFor(verb: string, option: CommandOption): boolean {
  const name = typeof option === 'string' ? option : option[0];
  return verb.startsWith('queue ') ? name === '--database' || name === '--config' : name !== '--database';
}

function wordsOf(option: CommandOption): readonly string[] {
  if (typeof option === 'string') return [option];
  const [name, value] = option;
  return value.startsWith('-') ? [`${name}=${value}`] : option;
}

/** One word as the shell of a system reads it back. */
export function quoted(word: string, platform: NodeJS.Platform = process.platform): string {
  return platform === 'win32' ? quotedForWindows(word) : quotedForPosix(word);
}

const POSIX_PLAIN = /^(?!=)[\w.,:/@+=-]+$/;
const unseen = new RegExp(UNSEEN, 'u');
const unseenOrSpecial = new RegExp(String.raw`[\\']|${UNSEEN}`, 'gu');

/**
 * For sh and its relatives. What cannot be seen has to be spelled out, in the form that POSIX has had since 2024 and bash,
 * zsh and ksh for much longer.
 */
export function quotedForPosix(word: string): string {
  if (POSIX_PLAIN.test(word)) return word;
  if (!unseen.test(word)) return `'${word.replaceAll("'", String.raw`'\''`)}'`;
  return `$'${word.replace(unseenOrSpecial, spelledOut)}'`;
}

function spelledOut(character: string): string {
  if (character === '\\' || character === "'") return `\\${character}`;
  return [...Buffer.from(character)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}

/** PowerShell takes a word that begins with a dash apart at its dots and colons. */
const WINDOWS_PLAIN = /^[\w:/\\][\w.:/\\-]*$|^-[a-z-]*$/;
/** What double quotes keep in both cmd and PowerShell: no variables, no quotes, and a `$` only where no name follows. */
const WINDOWS_QUOTABLE = /^(?:[^"%$`\u201c\u201d\u201e]|\$$)*$/u;

/**
 * For cmd and PowerShell alike. A word that no form brings through both is left as a gap, which neither takes for
 * anything else.
 */
export function quotedForWindows(word: string): string {
  if (WINDOWS_PLAIN.test(word)) return word;
  if (unseen.test(word) || !WINDOWS_QUOTABLE.test(word)) return '<a word that cannot be quoted here>';
  return `"${word.replace(/\\+$/, '$&$&')}"`;
}
