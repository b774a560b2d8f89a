import { type Command, Help, type Option } from 'commander';
import { quoted } from '../advice.ts';

/** Whether the help shows every option, also those that most people never need. */
export const showsAll = process.argv.includes('--help-all');

const examplesOf = new WeakMap<Command, string>();

/** Real examples, each as it can be pasted into a shell: the line, and what it does. */
export function addExamples(
  command: Command,
  examples: readonly (readonly [line: string, meaning: string])[],
): Command {
  examplesOf.set(
    command,
    examples.map(([line, meaning]) => `  # ${meaning}\n  $ msmq-cert ${pasteable(line)}`).join('\n'),
  );
  return command;
}

/** A shell would take the backslash from a bare `CORP\alice`. */
function pasteable(line: string): string {
  return line.replaceAll(/\S*\\\S*/g, (word) => quoted(word));
}

/** An option that only --help-all shows. */
export function rare(option: Option): Option {
  return option.hideHelp(!showsAll);
}

/** Usage and description, then the examples, then what it takes. */
export function formatHelp(command: Command, helper: Help): string {
  helper.optionDescription = describe;
  const text = Help.prototype.formatHelp.call(helper, command, helper);
  const examples = examplesOf.get(command);
  if (examples === undefined) return text;
  const at = text.search(/^(Arguments|[A-Z][\w ]*):\n {2}/m);
  return `${text.slice(0, at)}Examples:\n${examples}\n\n${text.slice(at)}`;
}

function describe(option: Option): string {
  const facts = [
    ...(option.argChoices === undefined ? [] : [option.argChoices.join(', ')]),
    ...(option.defaultValue === undefined || option.defaultValue === false || option.negate
      ? []
      : [`default: ${option.defaultValueDescription ?? option.defaultValue}`]),
    ...(option.envVar === undefined || !showsAll ? [] : [`env: ${option.envVar}`]),
  ];
  return facts.length === 0 ? option.description : `${option.description} (${facts.join('; ')})`;
}
