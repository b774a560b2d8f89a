import type { WindowsCalls } from './calls.ts';
import { lengthOf } from './containers.ts';
import { demand } from './failures.ts';

/** Who runs this process, and where. */
export interface Session {
  /** DOMAIN\user. */
  account: string;
  /** The names of this machine, the short one first: NetBIOS, DNS host, fully qualified. */
  machines: string[];
}

/** NameSamCompatible */
const DOMAIN_AND_USER = 2;
/** ComputerNameNetBIOS, ComputerNameDnsHostname, ComputerNameDnsFullyQualified */
const COMPUTER_NAMES = [0, 1, 3];
const CHARACTERS = 1024;

type NameCall = (kind: number, out: Buffer, characters: Buffer) => number;

/** @throws MsmqCertError key-store */
export function readSession(calls: WindowsCalls): Session {
  const read = (call: NameCall, kind: number, name: string): string => {
    const text = Buffer.alloc(CHARACTERS * 2);
    const length = lengthOf(CHARACTERS);
    demand(calls, call(kind, text, length), 'Windows does not tell who runs this, and where', name);
    return text.toString('utf16le', 0, length.readUInt32LE() * 2).replace(/\0.*$/s, '');
  };
  const names = COMPUTER_NAMES.map((kind) => read(calls.computerName, kind, 'GetComputerNameEx'));
  const machines = names.filter(
    (name, index) => name !== '' && names.findIndex((each) => each.toLowerCase() === name.toLowerCase()) === index,
  );
  return { account: read(calls.userName, DOMAIN_AND_USER, 'GetUserNameEx'), machines };
}

/** How Windows keeps the profile of this account. `temporary` and `mandatory` ones are thrown away at the end of the session. */
export type ProfileKind = 'usual' | 'temporary' | 'mandatory';

/** PT_TEMPORARY, PT_MANDATORY */
const TEMPORARY = 1;
const MANDATORY = 4;

/** @throws MsmqCertError no-key-access when no profile is loaded */
export function profileKind(calls: WindowsCalls): ProfileKind {
  const out: [number] = [0];
  demand(calls, calls.profileType(out), 'the kind of the profile cannot be told', 'GetProfileType');
  if ((out[0] & TEMPORARY) !== 0) return 'temporary';
  return (out[0] & MANDATORY) !== 0 ? 'mandatory' : 'usual';
}
