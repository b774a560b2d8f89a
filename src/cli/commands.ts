import type { Command } from 'commander';

/** Every command, in the order of the help. Each is a module of its own, so that a short command loads only itself. */
const commands = {
  register: async () => (await import('./commands/register.ts')).registerCommand('carry-out'),
  renew: async () => (await import('./commands/renew.ts')).renewCommand('carry-out'),
  replace: async () => (await import('./commands/replace.ts')).replaceCommand('carry-out'),
  repair: async () => (await import('./commands/repair.ts')).repairCommand('carry-out'),
  prune: async () => (await import('./commands/prune.ts')).pruneCommand('carry-out'),
  clear: async () => (await import('./commands/clear.ts')).clearCommand(),
  backup: async () => (await import('./commands/backup.ts')).backupCommand(),
  restore: async () => (await import('./commands/restore.ts')).restoreCommand(),
  plan: async () => (await import('./commands/plan.ts')).planCommand(),
  apply: async () => (await import('./commands/apply.ts')).applyCommand(),
  resume: async () => (await import('./commands/resume.ts')).resumeCommand(),
  undo: async () => (await import('./commands/undo.ts')).undoCommand(),
  keys: async () => (await import('./commands/keys.ts')).keysCommand(),
  schedule: async () => (await import('./commands/schedule.ts')).scheduleCommand((verb) => commandsFor([verb], false)),
  queue: async () => (await import('./commands/queue.ts')).queueCommand(),
  install: async () => (await import('./commands/install.ts')).installCommand(),
  uninstall: async () => (await import('./commands/uninstall.ts')).uninstallCommand(),
  request: async () => (await import('./commands/request.ts')).requestCommand(),
  installed: async () => (await import('./commands/installed.ts')).installedCommand(),
  audit: async () => (await import('./commands/audit.ts')).auditCommand(),
  verify: async () => (await import('./commands/verify.ts')).verifyCommand(),
  explain: async () => (await import('./commands/explain.ts')).explainCommand(),
  list: async () => (await import('./commands/list.ts')).listCommand(),
  show: async () => (await import('./commands/show.ts')).showCommand(),
  check: async () => (await import('./commands/check.ts')).checkCommand(),
  replication: async () => (await import('./commands/replication.ts')).replicationCommand(),
  login: async () => (await import('./commands/login.ts')).loginCommand(),
  logout: async () => (await import('./commands/logout.ts')).logoutCommand(),
  whoami: async () => (await import('./commands/whoami.ts')).whoamiCommand(),
  blob: async () => (await import('./commands/blob.ts')).blobCommand(),
  version: async () => (await import('./commands/version.ts')).versionCommand(),
} satisfies Record<string, () => Promise<Command>>;

type Name = keyof typeof commands;

/**
 * The command that the first word names, alone; all of them for help, wrong usage, and a configuration file, which may
 * hold options of any.
 */
export async function commandsFor(words: readonly string[], hasConfig: boolean): Promise<Command[]> {
  const [first] = words;
  if (isName(first) && !hasConfig) return [await commands[first]()];
  return await Promise.all(Object.values(commands).map((load) => load()));
}

export function isName(word: string | undefined): word is Name {
  return word !== undefined && Object.hasOwn(commands, word);
}
