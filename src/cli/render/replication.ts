import type { Stamp } from '../../directory/replicas.ts';
import { digestsOf, type ServerState, type UserReplication } from '../../inspect/replication/replication.ts';
import { errorJson } from '../output.ts';
import { colours } from './colours.ts';
import { table } from './table.ts';

/** One user in the document of replication. */
export function replicationJson({ user, converged, torn, servers }: UserReplication) {
  return { user: user.account, converged, torn, servers: servers.map(serverJson) };
}

function serverJson(server: ServerState) {
  const { observation } = server;
  const stamps = observation.kind === 'read' ? observation.stamps : null;
  return {
    server: server.server,
    state: server.state,
    digests: digestsOf(server) ?? [],
    written:
      stamps === null ? null : { mSMQSignCertificates: stampJson(stamps.blob), mSMQDigests: stampJson(stamps.digests) },
    error: observation.kind === 'unreachable' ? errorJson(observation.error) : null,
  };
}

function stampJson(stamp: Stamp | null) {
  return stamp === null ? null : { ...stamp, changedAt: stamp.changedAt.toISOString() };
}

const stateColour = { current: colours.green, behind: colours.yellow, differs: colours.red, unreachable: colours.red };

/** One user as a table of servers. */
export function replicationLines({ user, converged, torn, servers }: UserReplication): string[] {
  const summary = torn ? colours.red('torn') : converged ? colours.green('converged') : colours.yellow('not converged');
  const head = ['  SERVER', 'STATE', 'DIGESTS', 'CERTIFICATES WRITTEN', 'DIGESTS WRITTEN'];
  return [`${colours.bold(user.account)}  ${summary}`, ...table([head, ...servers.map(serverRow)])];
}

function serverRow(server: ServerState): string[] {
  const { observation, state } = server;
  const name = `  ${server.server}`;
  const shown = stateColour[state](state);
  switch (observation.kind) {
    case 'unreachable':
      return [name, shown, '', observation.error.message, ''];
    case 'absent':
      return [name, shown, '', 'the object has not arrived', ''];
    case 'read': {
      const { pair, stamps } = observation;
      const written = stamps === null ? ['', ''] : [stampText(stamps.blob), stampText(stamps.digests)];
      return [name, shown, String(pair.digests.length), ...written];
    }
  }
}

/** `v4 2026-01-31 12:00:00Z by 3f2504e0`: the version, when, and the beginning of the invocation id of the server it was written on. */
function stampText(stamp: Stamp | null): string {
  if (stamp === null) return 'never';
  const at = stamp.changedAt.toISOString().replace('T', ' ').replace(/\.\d+/, '');
  return `v${stamp.version} ${at} by ${stamp.origin.slice(0, 8)}`;
}
