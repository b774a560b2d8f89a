import type { Command } from 'commander';
import * as z from 'zod';
import { parseMachine, sameMachine } from '../../certificate/machine.ts';
import { MsmqCertError } from '../../errors.ts';
import { externalSource } from '../../plan/external.ts';
import type { Target, Verb, Wanted } from '../../plan/request.ts';
import type { RenewScope } from '../../plan/verbs/renew.ts';
import { readUserNames } from '../input.ts';
import { type KeySettings, readSettings, settings } from '../settings.ts';
import { targetsFromManifest } from './manifests.ts';

/** What the command line asks for. */
export interface Intention {
  request: Verb;
  targets: Target[];
  options: KeySettings;
}

const machine = z.array(z.string()).optional();

const registerSettings = settings.keys.extend({
  machine,
  manifest: z.string().optional(),
  certificate: z.string().optional(),
  always: z.boolean().default(false),
});

export async function register(names: readonly string[], command: Command): Promise<Intention> {
  const options = await readSettings(command, registerSettings);
  const request = { verb: 'register', mode: options.always ? 'always' : 'if-not-exists' } as const;
  const { manifest, certificate } = options;
  if (manifest !== undefined) {
    refuseBesideManifest(names, options);
    return { request, targets: await targetsFromManifest(manifest, options.quiet), options };
  }
  const users = await readUserNames(names, options.usersFrom);
  const machines = parseMachines(options.machine ?? []);
  const wanted =
    certificate === undefined ? forMachines(machines) : [await forCertificate(certificate, users, machines)];
  return { request, targets: users.map((name) => ({ name, wanted })), options };
}

function refuseBesideManifest(names: readonly string[], options: z.infer<typeof registerSettings>): void {
  const { machine, certificate, usersFrom } = options;
  if (names.length === 0 && machine === undefined && certificate === undefined && usersFrom === undefined) return;
  throw new MsmqCertError('usage', '--manifest is given, and users, machines or a certificate besides', {
    hint: 'the manifest names the user and the machine of each row; leave the others out',
  });
}

function forMachines(machines: readonly string[]): Wanted[] {
  if (machines.length === 0) {
    throw new MsmqCertError('usage', 'no machine is named', {
      hint: 'give --machine <name>, or --certificate <file> for a certificate that exists already',
    });
  }
  return machines.map((each) => ({ machine: each, source: { kind: 'new-key' }, validForMs: null }));
}

async function forCertificate(file: string, users: readonly string[], machines: readonly string[]): Promise<Wanted> {
  if (users.length > 1 || machines.length > 1) {
    throw new MsmqCertError('usage', `the certificate ${file} is meant for more than one user or machine`, {
      hint: 'receivers find the user by the certificate, so register it for one user only',
    });
  }
  return { machine: machines[0] ?? null, source: await externalSource(file, new Date()), validForMs: null };
}

const renewSettings = settings.keys.extend({
  machine,
  broken: z.boolean().default(false),
  expiringWithin: z.number().optional(),
  all: z.boolean().default(false),
  overlap: z.boolean().default(false),
});

export async function renew(names: readonly string[], command: Command): Promise<Intention> {
  const options = await readSettings(command, renewSettings);
  const scope = renewScope(options);
  const machines = chosenMachines(options.machine);
  const users = await readUserNames(names, options.usersFrom);
  const request = { verb: 'renew', scope, machines, overlap: options.overlap } as const;
  return { request, targets: users.map(withoutWants), options };
}

function renewScope({ broken, expiringWithin, all }: z.infer<typeof renewSettings>): RenewScope {
  if (broken) return { kind: 'broken' };
  if (expiringWithin !== undefined) return { kind: 'expiring', withinMs: expiringWithin, nowMs: Date.now() };
  if (all) return { kind: 'all' };
  throw new MsmqCertError('usage', 'renew needs to know which certificates', {
    hint: 'give --broken, --expiring-within <duration> or --all',
  });
}

const replaceSettings = settings.keys.extend({ machine, overlap: z.boolean().default(false) });

export async function replace(names: readonly string[], command: Command): Promise<Intention> {
  const options = await readSettings(command, replaceSettings);
  const machines = chosenMachines(options.machine);
  const users = await readUserNames(names, options.usersFrom);
  const request = { verb: 'replace', machines, overlap: options.overlap } as const;
  return { request, targets: users.map(withoutWants), options };
}

function chosenMachines(texts: readonly string[] | undefined): string[] | null {
  return texts === undefined ? null : parseMachines(texts);
}

export function withoutWants(name: string): Target {
  return { name, wanted: [] };
}

/** Machine names, checked, the same machine once. */
export function parseMachines(texts: readonly string[]): string[] {
  const machines: string[] = [];
  for (const text of texts) {
    const name = parseMachine(text);
    if (!machines.some((each) => sameMachine(each, name))) machines.push(name);
  }
  return machines;
}
