import { MsmqCertError } from '../../errors.ts';
import { type DatabaseSettings, databaseSettings } from '../../queue/database.ts';
import { openQueue, type Part, type Queue } from '../../queue/queue.ts';
import { passwordInKeychain } from '../access/keychain.ts';

/** Does something with the queue that --database names, and closes it. */
export async function withQueue<T>(
  { database }: { database?: string | undefined },
  part: Part,
  use: (queue: Queue, settings: DatabaseSettings) => Promise<T>,
): Promise<T> {
  const settings = await settingsOf(database);
  const queue = await openQueue(settings, part);
  try {
    return await use(queue, settings);
  } finally {
    await queue.close();
  }
}

/** @throws MsmqCertError usage, and what databaseSettings throws */
export async function settingsOf(database: string | undefined): Promise<DatabaseSettings> {
  if (database === undefined) {
    throw new MsmqCertError('usage', 'no database is named, which holds the queue', {
      hint: 'give --database postgres://user@host/name, or set MSMQ_CERT_DATABASE',
    });
  }
  // a machine without a keychain does without
  const lookUp = (directory: string, bind: string) => passwordInKeychain({ directory, bind }).catch(() => null);
  return await databaseSettings(database, process.env, lookUp);
}
