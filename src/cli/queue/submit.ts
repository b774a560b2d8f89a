import { command } from '../../advice.ts';
import { counted } from '../../counted.ts';
import type { Directory, Listing, User } from '../../directory/directory.ts';
import { type ErrorCode, MsmqCertError } from '../../errors.ts';
import { readWhole } from '../../files/read-file.ts';
import { fingerprintOf } from '../../journal/write.ts';
import type { KeySettingsRecord, Verb, Wanted } from '../../plan/request.ts';
import { domainOfDn, keyFormSchema } from '../../queue/job.ts';
import { requireSameDomain, type Submitted, submitRun } from '../../queue/submit.ts';
import { resolve, type UnknownUser } from '../../run/run.ts';
import { openDirectory, openForListing } from '../access/connect.ts';
import { exitCodeOfFailures } from '../exit-codes.ts';
import { errorJson, printResult, tellError } from '../output.ts';
import { goOnUnread } from '../pipes.ts';
import { recognitionIn } from '../recognition.ts';
import { selectedUsers } from '../running/addressees.ts';
import type { Chosen } from '../running/chosen-users.ts';
import { keySettingsRecord } from '../running/policies.ts';
import { watchProgress } from '../running/progress.ts';
import type { KeySettings } from '../settings.ts';
import { withQueue } from './open.ts';

/** Puts what a verb was asked for into the queue, a job a user, for workers to carry out. */
export async function submit(request: Verb, chosen: Chosen, settings: KeySettings): Promise<void> {
  goOnUnread();
  refuseLimit(chosen);
  const keys = await keySettingsRecord(settings);
  await withQueue(settings, { kind: 'use' }, async (queue) => {
    const opened = await (chosen.everyone === undefined
      ? openDirectory(settings, 'read')
      : openForListing(settings, 'read'));
    const progress = watchProgress(`queue submit ${request.verb}`, 'users', settings);
    const unknown: UnknownUser[] = [];
    try {
      const wishes = await wishesFor(request, chosen, {
        opened,
        settings,
        keys,
        onUnknown: (user) => unknown.push(user),
      });
      const { first, all } = await peeked(wishes);
      if (first === null) {
        report(request, null, unknown, settings);
        return;
      }
      const domain = domainOfDn(first.user.dn);
      const fingerprint = fingerprintOf({ request, ...chosen, keys, directory: domain });
      const run = { domain, asked: { kind: 'verb', request } as const, keys: keyFormSchema.parse(keys), fingerprint };
      const submitted = await submitRun(queue, run, inDomain(all, domain), {
        isNew: settings.newRun,
        onUsers: (count) => {
          for (let each = 0; each < count; each++) progress.passed();
        },
      });
      report(request, submitted, unknown, settings);
    } finally {
      progress.stop();
      await opened.close();
    }
  });
}

interface Wish {
  user: User;
  wanted: readonly Wanted[];
}

interface Ground {
  opened: Directory & Listing;
  settings: KeySettings;
  keys: KeySettingsRecord;
  onUnknown: (user: UnknownUser) => void;
}

async function wishesFor(request: Verb, chosen: Chosen, ground: Ground): Promise<AsyncIterable<Wish>> {
  const { opened, settings, keys, onUnknown } = ground;
  const { targets, everyone } = chosen;
  if (everyone !== undefined)
    return selectedUsers(opened, { request, everyone, recognition: recognitionIn(opened, keys), keys, onUnknown });
  const known = await resolve(targets, opened, settings, onUnknown);
  return (async function* () {
    for (const { user, wanted } of known) yield { user, wanted: await Promise.all(wanted.map(withContent)) };
  })();
}

/** Workers have no use for a path of this machine: the certificate itself goes with the job. */
async function withContent(wanted: Wanted): Promise<Wanted> {
  const { source } = wanted;
  if (source.kind !== 'external') return wanted;
  return { ...wanted, source: { ...source, content: (await readWhole(source.file)).toString('base64') } };
}

async function peeked<T>(items: AsyncIterable<T>): Promise<{ first: T | null; all: AsyncIterable<T> }> {
  const iterator = items[Symbol.asyncIterator]();
  const next = await iterator.next();
  if (next.done) return { first: null, all: items };
  const all = (async function* () {
    yield next.value;
    yield* { [Symbol.asyncIterator]: () => iterator };
  })();
  return { first: next.value, all };
}

async function* inDomain(wishes: AsyncIterable<Wish>, domain: string): AsyncGenerator<Wish> {
  for await (const wish of wishes) {
    requireSameDomain(domain, domainOfDn(wish.user.dn), wish.user);
    yield wish;
  }
}

function refuseLimit({ everyone }: Chosen): void {
  if (everyone === undefined || everyone.limit === null) return;
  throw new MsmqCertError('usage', `--limit ${everyone.limit} is given, which workers do not count together`, {
    hint: 'leave it away, and choose fewer users with --filter',
  });
}

function report(
  request: Verb,
  submitted: Submitted | null,
  unknown: readonly UnknownUser[],
  settings: KeySettings,
): void {
  const failures = unknown.flatMap(({ name, items }) =>
    items.flatMap(({ error }) => (error === null ? [] : [{ name, error }])),
  );
  for (const { name, error } of failures) tellError(error, name);
  const codes: ErrorCode[] = failures.map(({ error }) => error.code);
  printResult(
    {
      exitCode: exitCodeOfFailures(codes, submitted?.users ?? 0),
      json: {
        schema: 1,
        command: `queue submit ${request.verb}`,
        run: submitted?.run ?? null,
        users: submitted?.users ?? 0,
        wentOn: submitted?.goesOn ?? false,
        results: failures.map(({ name, error }) => ({ user: name, action: 'failed', error: errorJson(error) })),
      },
      lines: linesFor(submitted, failures.length),
    },
    settings,
  );
}

function linesFor(submitted: Submitted | null, failures: number): string[] {
  if (submitted === null) return [`${failures > 0 ? '' : 'nobody needs anything: '}nothing was submitted`];
  const { run, users, goesOn } = submitted;
  return [
    `${goesOn ? 'the submit that was cut short is whole now: ' : ''}${counted(users, 'user')} in the queue`,
    `run: ${run}`,
    `${command('queue status', [run])} shows how far it is`,
  ];
}
