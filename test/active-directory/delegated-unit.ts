import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Lab, ldapModify } from './lab.ts';

/** An organizational unit of its own with one user in it, so that rights can be changed without touching other suites. */
export interface DelegatedUnit {
  ou: string;
  user: string;
  /** Changes access rights with the words of `samba-tool dsacl set`, as a shell would read them. */
  setRights(command: string): Promise<void>;
  remove(): Promise<void>;
}

const run = promisify(execFile);

export async function makeDelegatedUnit(lab: Lab, name: string): Promise<DelegatedUnit> {
  const ou = `OU=${name},${lab.baseDn}`;
  const dn = `CN=${name}-user,${ou}`;
  const user = `${name}-user`;
  await ldapModify(lab, `dn: ${ou}\nchangetype: add\nobjectClass: organizationalUnit\n`);
  await ldapModify(lab, `dn: ${dn}\nchangetype: add\nobjectClass: user\nsAMAccountName: ${user}\n`);
  return {
    ou,
    user,
    setRights: async (command) => {
      const database = `-H ${lab.dir}/dc1/private/sam.ldb --configfile=${lab.dir}/dc1/smb.conf`;
      await run('sh', ['-c', `${command} ${database}`]);
    },
    remove: async () => {
      await ldapModify(lab, `dn: ${dn}\nchangetype: delete\n\ndn: ${ou}\nchangetype: delete\n`);
    },
  };
}
