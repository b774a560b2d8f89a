import { hash } from 'node:crypto';
import * as z from 'zod';
import { parseMachine } from '../certificate/machine.ts';
import { type User, userKey } from '../directory/directory.ts';
import { dnKey, parseDn } from '../directory/names.ts';
import { MsmqCertError } from '../errors.ts';
import { keySettingsSchema, verbSchema, wantedSchema } from '../plan/request.ts';

/** What a job says is written down like this; a worker leaves a newer form to newer workers. */
export const JOB_SCHEMA = 1;

const userSchema = z.object({
  account: z.string(),
  dn: z.string(),
  sid: z.string().nullable(),
  guid: z.string().nullable(),
});

/** A worker opens no file because a job names it: a certificate comes with the job. */
const wantedInJob = wantedSchema.refine(({ source }) => source.kind !== 'external' || source.content !== undefined);

/** One user, and what is wanted for him. No job holds a password, a key or a passphrase. */
export const jobSchema = z.object({
  schema: z.literal(JOB_SCHEMA),
  /** The run that it belongs to. */
  run: z.uuid(),
  user: userSchema,
  wanted: z.array(wantedInJob),
});

export type Job = z.infer<typeof jobSchema>;

/** Either what a verb asks for, or to put back what another run has changed. */
export const askedSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('verb'), request: verbSchema }),
  z.object({ kind: z.literal('undo'), run: z.uuid() }),
]);

export type Asked = z.infer<typeof askedSchema>;

/**
 * How the keys of a run are made. Where they go, who may open them and what takes them is said where they are made: whoever
 * may submit must not be able to have keys sent to himself, or commands run.
 */
export const keyFormSchema = keySettingsSchema.pick({
  keySize: true,
  hash: true,
  validFor: true,
  pfxEncryption: true,
  maxCertificates: true,
  subjects: true,
  machinesOf: true,
});

export type KeyForm = z.infer<typeof keyFormSchema>;

/** Equal for one user of one run, so that a job that is put in twice is there once. */
export function jobId(run: string, user: Pick<User, 'guid' | 'sid' | 'dn'>): string {
  const digest = hash('sha256', `${run} ${userKey(user)}`, 'hex');
  return [8, 4, 4, 4, 12]
    .reduce<{ at: number; parts: string[] }>(
      ({ at, parts }, length) => ({ at: at + length, parts: [...parts, digest.slice(at, at + length)] }),
      { at: 0, parts: [] },
    )
    .parts.join('-');
}

/** No two jobs of one user are at work at once. Its characters are those that the queue takes. */
export function userLock(user: Pick<User, 'guid' | 'sid' | 'dn'>): string {
  return user.guid ?? user.sid ?? hash('sha256', dnKey(user.dn), 'hex');
}

/**
 * The DNS name of the domain that a distinguished name lies in, by which its queue is called.
 * @throws MsmqCertError usage
 */
export function domainOfDn(dn: string): string {
  const parts = parseDn(dn).flatMap(({ type, value }) => (type === 'dc' ? [value.toLowerCase()] : []));
  if (parts.length > 0) return parts.join('.');
  throw new MsmqCertError('usage', `"${dn}" lies in no domain that a queue could be called by`, {
    hint: 'a queue works on the users of an Active Directory domain',
  });
}

/** @throws MsmqCertError job-too-new, job-refused, invalid-machine */
export function readJob(data: unknown): Job {
  const parsed = jobSchema.safeParse(data);
  if (parsed.success) {
    for (const { machine } of parsed.data.wanted) if (machine !== null) parseMachine(machine);
    return parsed.data;
  }
  const version = z.object({ schema: z.number() }).safeParse(data);
  if (version.success && version.data.schema > JOB_SCHEMA) {
    throw new MsmqCertError(
      'job-too-new',
      `the job is of form ${version.data.schema}, and this worker knows ${JOB_SCHEMA}`,
      {
        hint: 'update msmq-cert where this worker runs',
      },
    );
  }
  const where = parsed.error.issues[0]?.path.join('.') || 'all of it';
  throw new MsmqCertError('job-refused', `the job is not what msmq-cert queue submit writes: ${where} is wrong`, {
    hint: 'find out who else may write to the queue',
  });
}
