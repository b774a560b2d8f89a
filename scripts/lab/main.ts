import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { sitesOfTwo } from './build.ts';
import { askKeeper } from './control.ts';
import { type Lab, LabError, sambaVersions } from './lab.ts';
import { pauseReplication, resumeReplication } from './network.ts';
import { type Registration, registration, registrations, runs } from './registry.ts';
import { removeRemains } from './remains.ts';
import { replicateNow } from './replication.ts';
import { retryUntil } from './run.ts';
import { check, requireRoot, up } from './up.ts';

const help = `A real Samba Active Directory (domain CORP, corp.example) on this machine. Needs root.

  scripts/ad-lab up [--dir DIR] [--dcs 2] [--samba 4.22] [--users N] [--owner-pid PID] [--json]
      starts a lab and waits until it answers; --dcs 2: two replicating domain controllers in network namespaces;
      --samba 4.22: the Samba of Debian trixie, which demands channel binding, in place of this machine's;
      --users N: N plain users user0001, … ; --owner-pid: the lab ends with that process
  scripts/ad-lab down [--dir DIR | --all]
      stops a lab and removes its folder
  scripts/ad-lab check [--dcs 2]
      says why this machine cannot run a lab; nothing when it can
  scripts/ad-lab status [--json]
      lists the labs
  scripts/ad-lab pause | resume | replicate [--dir DIR]
      replication between the two domain controllers, both ways; replicate: at once, and done when it returns
  scripts/ad-lab stop-dc | start-dc N [--dir DIR]
      one domain controller, 1 or 2

Without --dir, a command means the one lab that is up and has no owner.
`;

type Values = ReturnType<typeof parse>['values'];

function parse() {
  return parseArgs({
    allowPositionals: true,
    options: {
      dir: { type: 'string' },
      dcs: { type: 'string', default: '1' },
      samba: { type: 'string', default: '4.17' },
      users: { type: 'string', default: '0' },
      'owner-pid': { type: 'string' },
      all: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
}

async function main(): Promise<void> {
  const { values, positionals } = parse();
  const [verb, ...rest] = positionals;
  if (values.help || verb === undefined) {
    console.log(help);
    return;
  }
  if (verb === 'up') return print(await up(upOptions(values)), values.json);
  if (verb === 'status') return printStatus(values.json);
  if (verb === 'check') return await check(upOptions(values).dcs);
  requireRoot(verb);
  if (verb === 'down') return await down(values);
  if (verb === 'pause') return await pauseReplication(twoDcLab(values).name);
  if (verb === 'resume') return await resumeReplication(twoDcLab(values).name);
  if (verb === 'replicate') return await replicate(twoDcLab(values));
  if (verb === 'stop-dc' || verb === 'start-dc') {
    return await askKeeper(chosenLab(values).name, { verb, dc: wholeNumber('the domain controller', rest[0]) });
  }
  throw new LabError(`there is no command ${verb}: see ad-lab --help`);
}

function upOptions(values: Values) {
  const dcs = wholeNumber('--dcs', values.dcs);
  if (dcs !== 1 && dcs !== 2) throw new LabError(`--dcs takes 1 or 2, not ${dcs}`);
  const samba = sambaVersions.find((version) => version === values.samba);
  if (samba === undefined) throw new LabError(`--samba takes ${sambaVersions.join(' or ')}, not ${values.samba}`);
  if (dcs === 2 && samba !== '4.17')
    throw new LabError(`--dcs 2 goes with the Samba of this machine only, not ${samba}`);
  const owner = values['owner-pid'];
  return {
    dir: values.dir ?? null,
    dcs,
    samba,
    users: wholeNumber('--users', values.users),
    ownerPid: owner === undefined ? null : wholeNumber('--owner-pid', owner),
  } as const;
}

function wholeNumber(what: string, text: string | undefined): number {
  if (text !== undefined && /^\d{1,9}$/.test(text)) return Number(text);
  throw new LabError(`${what} takes a whole number, not ${text ?? 'nothing'}`);
}

function print(lab: Lab, json: boolean): void {
  if (json) {
    console.log(JSON.stringify(lab, null, 2));
    return;
  }
  const { bind, passwordFile } = lab.accounts.provisioner;
  console.log(`up: ${lab.dcs.map((server) => `${server.host} at ${server.url}`).join(', ')}, everything in ${lab.dir}`);
  console.log('try:');
  console.log(
    `  msmq-cert list alice --directory ${lab.url} --ca-file ${lab.caFile} --bind '${bind}' --password-file ${passwordFile}`,
  );
}

function printStatus(json: boolean): void {
  const labs = registrations().map(({ name, dir, keeper, owner }) => ({
    name,
    dir,
    pid: keeper.pid,
    ownerPid: owner?.pid ?? null,
    state: stateOf(dir, runs(keeper)),
  }));
  if (json) console.log(JSON.stringify(labs, null, 2));
  else if (labs.length === 0) console.log('no lab is up');
  else for (const lab of labs) console.log(`${lab.state}  ${lab.name}  ${lab.dir}  ${ownerText(lab.ownerPid)}`);
}

function stateOf(dir: string, kept: boolean): 'up' | 'starting' | 'dead' {
  if (!kept) return 'dead';
  return existsSync(join(dir, 'lab.json')) ? 'up' : 'starting';
}

function ownerText(pid: number | null): string {
  return pid === null ? 'until ad-lab down' : `until process ${pid} ends`;
}

async function down(values: Values): Promise<void> {
  const labs = values.all ? registrations() : [chosenLab(values)];
  for (const lab of labs) await end(lab);
}

async function end(lab: Registration): Promise<void> {
  if (runs(lab.keeper)) process.kill(lab.keeper.pid, 'SIGTERM');
  await retryUntil(30, new AbortController().signal, async () => {
    if (runs(lab.keeper)) throw new LabError(`the process ${lab.keeper.pid} of the lab in ${lab.dir} does not end`);
  });
  // A keeper removes its lab itself, unless it was killed; by now the address may be another lab's.
  if (registration(lab.name)?.dir === lab.dir) await removeRemains(lab);
}

async function replicate({ name, dir }: Registration): Promise<void> {
  const { first, second } = sitesOfTwo(name, dir);
  await replicateNow(first, second, new AbortController().signal);
}

function twoDcLab(values: Values): Registration {
  const lab = chosenLab(values);
  if (!lab.name.startsWith('127.')) return lab;
  throw new LabError(`the lab in ${lab.dir} has one domain controller, nothing replicates: start one with up --dcs 2`);
}

function chosenLab({ dir }: Values): Registration {
  const labs = registrations();
  const candidates = labs.filter((lab) => (dir === undefined ? lab.owner === null : lab.dir === resolve(dir)));
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1) return only;
  if (dir !== undefined) throw new LabError(`there is no lab in ${dir}: ad-lab status lists them`);
  if (labs.length === 0) throw new LabError('no lab is up');
  throw new LabError(`say which lab with --dir: ${labs.map((lab) => lab.dir).join(', ')}`);
}

try {
  await main();
} catch (error) {
  const isUsage = error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  if (!(error instanceof LabError || isUsage)) throw error;
  console.error(`ad-lab: ${error.message}`);
  process.exitCode = 1;
}
