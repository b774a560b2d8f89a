import type { Directory, Listing } from '../directory/directory.ts';
import type { OpenDirectory } from '../directory/open.ts';
import type { MsmqCertError } from '../errors.ts';
import { checkOwn } from '../files/own-folder.ts';
import { newJournalPath, takeEarlier } from '../journal/find.ts';
import { beginNew, goOnWith, type OpenJournal } from '../journal/open.ts';
import { fingerprintOf } from '../journal/write.ts';
import { computerBook } from '../judge/computer-book.ts';
import { criteriaToday, rulesFrom } from '../judge/criteria.ts';
import type { KeySettingsRecord, Request, Target } from '../plan/request.ts';
import type { Summary, UserResult } from '../plan/results.ts';
import { setUpRun } from './context.ts';
import { DEFAULT_KEYS, keyPolicy, plannedKeys } from './key-policy.ts';
import type { KeyPolicy } from './keys.ts';
import { plannersFor, readPlanFile } from './planners.ts';
import { run, type UnknownUser } from './run.ts';

const MAX_CERTIFICATES = 820;
const USERS_AT_ONCE = 4;

export interface PerformOptions {
  /** Folder for key files, and for the journal in `journal` below it. Only its owner may write there. */
  out: string;
  /** A dry run plans, writes nothing and makes no key. */
  mode: 'write' | 'dry-run';
  /** What differs from {@link DEFAULT_KEYS}, or from what a plan file says that is carried out. */
  keys?: Partial<Omit<KeyPolicy, 'out'>>;
  /** No new user is begun once this is aborted. */
  signal?: AbortSignal;
  /** Told of each user as soon as it is done. */
  onResult?: (result: UserResult) => void;
}

/** What became of a run. A failing user does not stop the others: look at the items of `results` for errors. */
export interface Performance {
  results: UserResult[];
  /** Names that stand for no user, or for several. */
  unknown: UnknownUser[];
  summary: Summary;
  /** Why users were left out in the end; null when the run came to its end. */
  stoppedBy: MsmqCertError | null;
  /** What `msmq-cert undo` and `resume` take; null when nothing was written. */
  journal: string | null;
}

/**
 * Does for many users what was asked for, as the command line does: plans each user, puts keys in files first, and writes
 * both attributes in one compare-and-swap. A call that was cut short is gone on with by the same call: what was written
 * is recognised, and the keys that were made are used.
 * @throws MsmqCertError when nothing can be begun: untrusted-path, file-unwritable, invalid-plan, invalid-journal, …
 */
export async function perform(
  directory: Directory & Listing & Partial<Pick<OpenDirectory, 'url' | 'bind'>>,
  request: Request,
  targets: readonly Target[],
  options: PerformOptions,
): Promise<Performance> {
  const { out, mode, onResult } = options;
  const { record, policy } = await keysOf(request, options);
  const computers = computerBook(directory, () => {});
  const criteria = criteriaToday(rulesFrom(record, computers), record);
  const plannerFor = await plannersFor(request, criteria, directory);
  if (mode === 'write') await checkOwn(out);
  const journal = mode === 'write' ? await openJournal(directory, request, targets, record, policy.maxAgeMs) : null;
  const results: UserResult[] = [];
  const unknown: UnknownUser[] = [];
  try {
    const { context, control } = setUpRun({
      request,
      directory,
      findByDigest: directory.findByDigest,
      criteria,
      keys: policy,
      journal,
      mode,
      concurrency: USERS_AT_ONCE,
      stops: options.signal ? [options.signal] : [],
    });
    const { summary, stoppedBy } = await run(targets, plannerFor, context, control, {
      started: () => {},
      finished: async (result) => {
        results.push(result);
        onResult?.(result);
      },
      unknown: (user) => unknown.push(user),
    });
    if (stoppedBy === null) await journal?.end(summary);
    return { results, unknown, summary, stoppedBy, journal: journal?.path() ?? null };
  } finally {
    await journal?.close();
  }
}

interface Keys {
  record: KeySettingsRecord;
  policy: KeyPolicy;
}

/** What the options say goes before what a plan file says, and that before what is usual. */
async function keysOf(request: Request, { out, keys: given = {} }: PerformOptions): Promise<Keys> {
  if (request.verb !== 'apply') {
    const policy: KeyPolicy = { ...DEFAULT_KEYS, ...given, out };
    return { policy, record: recordOf(policy, null) };
  }
  const planned = await plannedKeys(request.plan, readPlanFile(request.plan).keys, {
    out,
    ...(given.passphrase !== undefined && { passphraseFile: null }),
    ...(given.handover !== undefined && { handover: undefined }),
  });
  const policy = { ...(await keyPolicy(planned, { resumeWithin: DEFAULT_KEYS.maxAgeMs })), ...given, out };
  return { policy, record: recordOf(policy, planned) };
}

async function openJournal(
  directory: Directory & Partial<Pick<OpenDirectory, 'url' | 'bind'>>,
  request: Request,
  targets: readonly Target[],
  keys: KeySettingsRecord,
  maxAgeMs: number,
): Promise<OpenJournal> {
  const { server, url = server, bind = null } = directory;
  const asked = { request, targets, keys, directory: url };
  const fingerprint = fingerprintOf(asked);
  const { taken } = await takeEarlier(keys.out, fingerprint, maxAgeMs, () => {});
  if (taken !== null) return await goOnWith(taken, { server, delivers: false });
  const path = newJournalPath(keys.out, request.verb, fingerprint);
  return await beginNew(path, fingerprint, { ...asked, server, bind, delivers: false });
}

/** A journal holds no secret, so a passphrase is not in it. */
function recordOf(policy: KeyPolicy, planned: KeySettingsRecord | null): KeySettingsRecord {
  const { out, keySize, hash, validForMs, subject, encryption, handover } = policy;
  return {
    out,
    keySize,
    hash,
    validFor: validForMs,
    pfxEncryption: encryption,
    passphraseFile: planned?.passphraseFile ?? null,
    ...(planned?.handover ? { handover: planned.handover } : handoverOf(handover)),
    maxCertificates: planned?.maxCertificates ?? MAX_CERTIFICATES,
    subjects: [...new Set([subject.text, ...(planned?.subjects ?? [])])],
    machinesOf: planned?.machinesOf ?? {},
  };
}

/** Whoever resumes the run must not write readable keys where it did not. */
function handoverOf(handover: KeyPolicy['handover']): Pick<KeySettingsRecord, 'handover'> {
  switch (handover?.kind) {
    case 'sealed': {
      const certificate = handover.recipient.certificate.toString('base64');
      return { handover: { kind: 'sealed', file: 'of the run', certificate, padding: handover.padding } };
    }
    case 'sink':
      return { handover: { kind: 'sink', command: handover.sink.command } };
    default:
      return {};
  }
}

/** New certificates for one user, as the targets of `register`: one for each of these machines. */
export function newCertificates(user: string, machines: readonly string[]): Target {
  return {
    name: user,
    wanted: machines.map((machine) => ({ machine, source: { kind: 'new-key' }, validForMs: null })),
  };
}
