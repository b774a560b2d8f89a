import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** A desktop session with an unlocked keychain, as far as programs look for one. */
export interface KeychainSession {
  /** What a program needs in its environment to be in the session. */
  env: Record<string, string>;
  close(): Promise<void>;
}

/** Starts gnome-keyring on a session bus of its own, with an empty keychain in a folder of its own. */
export async function startKeychain(): Promise<KeychainSession> {
  const home = await mkdtemp(join(tmpdir(), 'msmq-cert-keychain-'));
  // the session lasts as long as this program reads its standard input
  const script = [
    'printf unlock | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1',
    'echo "$DBUS_SESSION_BUS_ADDRESS"',
    'exec cat >/dev/null',
  ];
  const session = spawn('dbus-run-session', ['--', 'sh', '-c', script.join('\n')], {
    env: { PATH: process.env['PATH'], HOME: home },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const [address] = await once(session.stdout, 'data');
  return {
    env: { HOME: home, DBUS_SESSION_BUS_ADDRESS: String(address).trim() },
    close: async () => {
      await ended(session);
      await rm(home, { recursive: true });
    },
  };
}

async function ended(session: ChildProcess): Promise<void> {
  const closed = once(session, 'close');
  session.stdin?.end();
  if (session.stdout !== null) await text(session.stdout);
  await closed;
}
