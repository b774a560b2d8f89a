import { randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { dnsDomain, LabError } from './lab.ts';
import { type RunOptions, run } from './run.ts';

/** Names for labs with one domain controller: loopback addresses, in random order so that labs seldom ask for the same. */
export function* loopbackAddresses(): Generator<string> {
  for (let tries = 0; tries < 1000; tries++)
    yield `127.${randomInt(64, 128)}.${randomInt(1, 255)}.${randomInt(2, 255)}`;
}

/** Names for labs with two: the first three numbers of a subnet this machine has no address in. */
export function* freeSubnets(): Generator<string> {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address) ?? []);
  const first = randomInt(254);
  for (let step = 0; step < 254; step++) {
    const subnet = `10.77.${((first + step) % 254) + 1}`;
    if (!own.some((address) => address.startsWith(`${subnet}.`))) yield subnet;
  }
}

/** @throws LabError when another server listens on a port the domain controller needs */
export async function requireFreePorts(ip: string): Promise<void> {
  for (const port of [53, 88, 389, 636, 3268, 3269]) {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', () => {
        const hint = 'a server on this machine listens on every address, stop it first';
        reject(new LabError(`port ${port} on ${ip} is taken: ${hint}`));
      });
      server.listen(port, ip, () => server.close(() => resolve()));
    });
  }
}

/** A bridge of our own with one network namespace per domain controller. All names derive from the subnet. */
interface Network {
  subnet: string;
  bridge: string;
  hosts: Host[];
}

interface Host {
  name: 'dc1' | 'dc2';
  ip: string;
  namespace: string;
  link: string;
}

function networkId(subnet: string): string {
  return `mqlab${subnet.split('.')[2]}`;
}

function networkAt(subnet: string): Network {
  const id = networkId(subnet);
  const host = (name: Host['name'], ip: string): Host => ({
    name,
    ip,
    namespace: `${id}-${name}`,
    link: `${id}-${name}`,
  });
  return { subnet, bridge: id, hosts: [host('dc1', `${subnet}.11`), host('dc2', `${subnet}.12`)] };
}

/** Builds the bridge and both namespaces, and the resolver files that the domain controllers see in place of the machine's. */
export async function buildNetwork(subnet: string, labDir: string, signal: AbortSignal): Promise<void> {
  const { bridge, hosts } = networkAt(subnet);
  await ip(`link add ${bridge} type bridge`, { signal });
  await ip(`addr add ${subnet}.1/24 dev ${bridge}`, { signal });
  await ip(`link set ${bridge} up`, { signal });
  for (const host of hosts) {
    await ip(`netns add ${host.namespace}`, { signal });
    await ip(`link add ${host.link} type veth peer name eth0 netns ${host.namespace}`, { signal });
    await ip(`link set ${host.link} master ${bridge} up`, { signal });
    await ip(`-n ${host.namespace} addr add ${host.ip}/24 dev eth0`, { signal });
    await ip(`-n ${host.namespace} link set eth0 up`, { signal });
    await ip(`-n ${host.namespace} link set lo up`, { signal });
  }
  const names = hosts.map((host) => `${host.ip} ${host.name}.${dnsDomain} ${host.name}\n`);
  await writeFile(join(labDir, 'hosts'), `127.0.0.1 localhost\n${names.join('')}`);
  const servers = hosts.map((host) => `nameserver ${host.ip}\n`);
  await writeFile(join(labDir, 'resolv.conf'), `search ${dnsDomain}\n${servers.join('')}`);
}

/** Removes whatever of the network there is. Its names are the lab's own, so nothing else is ever touched. */
export async function removeNetwork(subnet: string): Promise<void> {
  const { bridge, hosts } = networkAt(subnet);
  const missing = () => undefined;
  for (const host of hosts) {
    await ip(`link del ${host.link}`).catch(missing);
    await ip(`netns del ${host.namespace}`).catch(missing);
  }
  await ip(`link del ${bridge}`).catch(missing);
}

/** Words in front of a command that runs as the named host of the lab: its network, host name and resolver files. */
export function commandPrefix(subnet: string, name: Host['name'], labDir: string): string[] {
  const script = [
    'mount --bind "$0/resolv.conf" /etc/resolv.conf',
    'mount --bind "$0/hosts" /etc/hosts',
    `hostname ${name}`,
    'exec "$@"',
  ];
  return [
    ...['ip', 'netns', 'exec', `${networkId(subnet)}-${name}`, 'unshare', '-m', '-u', '--propagation', 'private'],
    ...['sh', '-c', script.join(' && '), labDir],
  ];
}

/** Cuts the domain controllers off from each other; this machine still reaches both. */
export async function pauseReplication(subnet: string): Promise<void> {
  for (const [host, partner] of pairs(subnet)) await ip(`-n ${host.namespace} route replace unreachable ${partner.ip}`);
}

export async function resumeReplication(subnet: string): Promise<void> {
  for (const [host] of pairs(subnet)) await ip(`-n ${host.namespace} route flush type unreachable`);
}

function pairs(subnet: string): [Host, Host][] {
  const { hosts } = networkAt(subnet);
  return hosts.flatMap((host) => hosts.filter((other) => other !== host).map((other): [Host, Host] => [host, other]));
}

async function ip(words: string, options: RunOptions = {}): Promise<void> {
  await run(['ip', ...words.split(' ')], options);
}
