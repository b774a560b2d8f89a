/**
 * Words in front of a command that runs with the programs of another tree: it sees the lab's folder and this machine's
 * devices and network, and what it mounts is its own, so nothing is left when it ends.
 */
export function treePrefix(tree: string, labDir: string): string[] {
  const script = [
    'for each in proc sys dev; do mount --rbind "/$each" "$0/$each"; done',
    'mount -t tmpfs tmpfs "$0/tmp"',
    'mkdir -p "$0$1"',
    'mount --bind "$1" "$0$1"',
    'tree=$0',
    'shift',
    'exec chroot "$tree" "$@"',
  ];
  return ['unshare', '-m', '--propagation', 'private', 'sh', '-ec', script.join('\n'), tree, labDir];
}
