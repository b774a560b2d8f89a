import { Command } from 'commander';
import { addDirectoryOptions, addExamples, addOutputOptions } from '../options.ts';

export function loginCommand(): Command {
  const command = new Command('login')
    .summary("keep the bind password in the system's keychain")
    .description(
      'Asks for the bind password, proves it by a bind, and keeps it in the keychain of the operating system, for this\n' +
        'directory and this name. Other commands then find it there.',
    );
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    ['login --directory ad://corp.example --bind CORP\\provisioner', 'asks for the password on the terminal'],
    ['login --directory ad://corp.example --bind CORP\\provisioner --password-stdin < pw', 'takes it from a file'],
  ]);
  return command.action(async (_options, self: Command) => {
    const { login } = await import('../access/identity.ts');
    await login(self);
  });
}

export function logoutCommand(): Command {
  const command = new Command('logout')
    .summary("remove the bind password from the system's keychain")
    .description('Removes what login has kept for this directory and this name. Nothing to remove is no failure.');
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [['logout --directory ad://corp.example --bind CORP\\provisioner', 'forget the password']]);
  return command.action(async (_options, self: Command) => {
    const { logout } = await import('../access/identity.ts');
    await logout(self);
  });
}

export function whoamiCommand(): Command {
  const command = new Command('whoami')
    .summary('show who we are to the directory')
    .description('Binds and shows the account, the server, and where the password came from.');
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [['whoami --directory ad://corp.example --auth kerberos', 'whose ticket is it']]);
  return command.action(async (_options, self: Command) => {
    const { whoami } = await import('../access/identity.ts');
    await whoami(self);
  });
}
