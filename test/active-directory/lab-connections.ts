import { readFile } from 'node:fs/promises';
import {
  type AccessOptions,
  type ActiveDirectory,
  type ConnectionOptions,
  connectActiveDirectory,
} from '../../src/directory/active-directory/active-directory.ts';
import { type AccountName, type Lab, readPassword } from './lab.ts';

/** What it takes to connect to a server of the lab as one of its people. */
export async function accessTo(lab: Lab, as: AccountName): Promise<AccessOptions> {
  return {
    credentials: { kind: 'simple', name: lab.accounts[as].bind, password: await readPassword(lab, as) },
    trust: { kind: 'authorities', pem: await readFile(lab.caFile, 'utf8') },
    baseDn: null,
    domain: null,
    connectTimeoutMs: 10_000,
    operationTimeoutMs: 20_000,
  };
}

/** Connects to a lab as one of its people; ends every connection it made when told to. */
export function labConnections(lab: () => Lab) {
  const open: ActiveDirectory[] = [];
  return {
    async connect(as: AccountName = 'provisioner', more: Partial<ConnectionOptions> = {}): Promise<ActiveDirectory> {
      const access = await accessTo(lab(), as);
      const directory = await connectActiveDirectory({ url: lab().url, ...access, ...more });
      open.push(directory);
      return directory;
    },
    async closeAll(): Promise<void> {
      await Promise.all(open.splice(0).map((directory) => directory.close()));
    },
  };
}
