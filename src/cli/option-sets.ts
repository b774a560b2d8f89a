import { type Command, Option } from 'commander';
import {
  addDirectoryOptions,
  addEveryoneOptions,
  addHandoverOptions,
  addHookOptions,
  addKeyOptions,
  addOutFolderOption,
  addOutputOptions,
  addShardOption,
  addUserListOption,
  addVerbOptions,
  collect,
  type Purpose,
} from './options.ts';

/** What every command that makes certificates for named users has. */
export function addIssuingOptions(command: Command, purpose: Purpose): void {
  addUserListOption(command);
  if (purpose !== 'queue') addShardOption(command);
  addKeyOptions(command, purpose);
  if (purpose !== 'queue') addHandoverOptions(command);
  if (purpose === 'carry-out') addHookOptions(command);
  addVerbOptions(command, purpose);
  addDirectoryOptions(command);
  addOutputOptions(command);
}

/** What every command has that gives users new certificates for those that they have. */
export function addReplacingOptions(command: Command, overlap: string): Command {
  return command
    .option('--machine <name>', 'only this machine; may be given again', collect)
    .option('--overlap', overlap)
    .addOption(
      new Option('--retire', 'drop sound certificates of other makers too, which senders may still use').conflicts(
        'overlap',
      ),
    );
}

/** What every command has that makes no keys. `named`: it is never for everybody. */
export function addCleaningOptions(command: Command, purpose: Purpose, users: 'named' | 'or-everyone'): void {
  addOutFolderOption(command, purpose);
  addUserListOption(command);
  if (users === 'or-everyone') addEveryoneOptions(command);
  if (purpose !== 'queue') addShardOption(command);
  addVerbOptions(command, purpose);
  addDirectoryOptions(command);
  addOutputOptions(command);
}

/** What every command has that takes up a file of an earlier run. */
export function addRunOptions(command: Command): void {
  addShardOption(command);
  addVerbOptions(command);
  addDirectoryOptions(command);
  addOutputOptions(command);
}
