import { availableParallelism } from 'node:os';
import limit from 'p-limit';
import { DEFAULT_SUBJECT, parseSubjectTemplate } from '../certificate/subject.ts';
import type { Directory, Listing } from '../directory/directory.ts';
import type { OpenDirectory } from '../directory/open.ts';
import type { MsmqCertError } from '../errors.ts';
import { checkOwn } from '../files/own-folder.ts';
import { newJournalPath, takeEarlier } from '../journal/find.ts';
import type { JournalHistory } from '../journal/read.ts';
import { unlessEmpty } from '../journal/unless-empty.ts';
import { beginJournal, fingerprintOf, type Journal, noJournal, resumeJournal } from '../journal/write.ts';
import { computerBook } from '../judge/computer-book.ts';
import type { Criteria } from '../judge/state.ts';
import type { KeySettingsRecord, Request, Target } from '../plan/request.ts';
import type { Summary, UserResult } from '../plan/results.ts';
import { sharedDigestGuard } from '../plan/shared-digests.ts';
import type { KeyPolicy } from './keys.ts';
import { plannersFor } from './planners.ts';
import { run, type UnknownUser } from './run.ts';
import { saveWhatGoes } from './save-before.ts';

const DAY_MS = 86_400_000;
const YEAR_MS = 365.25 * DAY_MS;
const MAX_CERTIFICATES = 820;
const USERS_AT_ONCE = 4;

/** One more than there are cores: there is a key to be made while the main thread puts another into its PFX. */
export const KEYS_AT_ONCE = availableParallelism() + 1;

/** How new keys are made when nothing else is said: RSA-2048, SHA-256, eight years, a random passphrase each. */
export const DEFAULT_KEYS: Omit<KeyPolicy, 'out'> = {
  keySize: 2048,
  hash: 'sha256',
  validForMs: 8 * YEAR_MS,
  subject: parseSubjectTemplate(DEFAULT_SUBJECT),
  encryption: 'TripleDES_SHA1',
  passphrase: null,
  maxAgeMs: DAY_MS,
};

export interface PerformOptions {
  /** Folder for key files, and for the journal in `journal` below it. Only its owner may write there. */
  out: string;
  /** A dry run plans, writes nothing and makes no key. */
  mode: 'write' | 'dry-run';
  /** What differs from {@link DEFAULT_KEYS}. */
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
  const keys: KeyPolicy = { ...DEFAULT_KEYS, ...options.keys, out };
  const criteria = criteriaFor(directory, keys);
  const plannerFor = await plannersFor(request, criteria, directory);
  if (mode === 'write') await checkOwn(out);
  const journal = mode === 'write' ? await openJournal(directory, request, targets, keys) : null;
  const results: UserResult[] = [];
  const unknown: UnknownUser[] = [];
  try {
    const { summary, stoppedBy } = await run(
      targets,
      plannerFor,
      {
        directory,
        criteria,
        keys,
        journal: journal ?? noJournal,
        mode,
        guardSharedDigests: sharedDigestGuard(directory.findByDigest),
        beforeWrite: async (plan) => {
          await saveWhatGoes(request, out, plan);
          return plan;
        },
        whenCoreIsFree: limit(KEYS_AT_ONCE),
        onRetry: () => {},
      },
      {
        concurrency: USERS_AT_ONCE,
        stop: AbortSignal.any([options.signal ?? noJournal.lost, journal?.lost ?? noJournal.lost]),
        maxFailures: Number.POSITIVE_INFINITY,
        history: journal?.history ?? null,
      },
      {
        started: () => {},
        finished: async (result) => {
          results.push(result);
          onResult?.(result);
        },
        unknown: (user) => unknown.push(user),
      },
    );
    if (stoppedBy === null) await journal?.end(summary);
    return { results, unknown, summary, stoppedBy, journal: journal?.path() ?? null };
  } finally {
    await journal?.close();
  }
}

function criteriaFor(directory: Listing, { subject }: KeyPolicy): Criteria {
  return {
    now: new Date(),
    expiringWithinMs: 30 * DAY_MS,
    maxCertificates: MAX_CERTIFICATES,
    subjects: [subject, DEFAULT_KEYS.subject],
    stated: new Map(),
    computers: computerBook(directory, () => {}),
  };
}

type OpenedJournal = Journal & { path(): string | null; history: JournalHistory | null };

async function openJournal(
  directory: Directory & Partial<Pick<OpenDirectory, 'url' | 'bind'>>,
  request: Request,
  targets: readonly Target[],
  policy: KeyPolicy,
): Promise<OpenedJournal> {
  const { server, url = server, bind = null } = directory;
  const keys = recordOf(policy);
  const fingerprint = fingerprintOf({ request, targets, keys, directory: url });
  const { taken } = await takeEarlier(policy.out, fingerprint, policy.maxAgeMs, () => {});
  if (taken !== null) {
    const { path, history } = taken;
    return { ...(await resumeJournal(taken, { server, delivers: false })), path: () => path, history };
  }
  const path = newJournalPath(policy.out, request.verb, fingerprint);
  const header = { request, targets, keys, directory: url, server, bind, delivers: false };
  return { ...unlessEmpty(await beginJournal(path, header), path), history: null };
}

/** A journal holds no secret, so a passphrase is not in it. */
function recordOf(policy: KeyPolicy): KeySettingsRecord {
  const { out, keySize, hash, validForMs, subject, encryption, handover } = policy;
  return {
    out,
    keySize,
    hash,
    validFor: validForMs,
    pfxEncryption: encryption,
    passphraseFile: null,
    ...handoverOf(handover),
    maxCertificates: MAX_CERTIFICATES,
    subjects: [subject.text],
    machinesOf: {},
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
