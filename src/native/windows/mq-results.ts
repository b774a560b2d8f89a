import { MsmqCertError } from '../../errors.ts';

/** What MQRegisterCertificate did. */
export type Registration =
  /** A new internal certificate was made and registered. */
  | 'registered'
  /** This machine has one already; the directory was not asked (specification §4). */
  | 'exists';

const DONE = 0;
/** MQ_INFORMATION_INTERNAL_USER_CERT_EXIST */
const EXISTS = 0x400e000a;

const AS_THE_USER =
  'run it in a session of the user or as a scheduled task with a stored password, so that the profile is loaded';

/** What the HRESULTs of MSMQ mean here (specification §4), and what helps. */
const MEANINGS: Readonly<Record<number, [problem: string, hint: string]>> = {
  [0xc00e0006]: ['MSMQ does not take the parameters of the call', 'report it with the version of Windows'],
  [0xc00e0011]: ['MSMQ does not accept this user', 'run it as a user of the domain, not as a local account'],
  [0xc00e0013]: [
    'MSMQ reaches no directory',
    'check that MSMQ is installed in domain mode and a domain controller answers',
  ],
  [0xc00e0025]: [
    'MSMQ may not write the certificates of this user',
    'msmq-cert check shows the rights; accounts that AdminSDHolder protects cannot write their own',
  ],
  [0xc00e002c]: ['MSMQ calls the certificate invalid', 'run again with --renew'],
  [0xc00e002f]: ['this user has no internal certificate on this machine', 'run again with --renew'],
  [0xc00e006f]: ['MSMQ cannot use the certificate store of this user', AS_THE_USER],
  [0xc00e0070]: ['MSMQ cannot open the certificate store of this user', AS_THE_USER],
};

/**
 * The HRESULT of MQRegisterCertificate as what it did.
 * @throws MsmqCertError msmq-refused
 */
export function registrationOf(result: number): Registration {
  const status = result >>> 0;
  if (status === DONE) return 'registered';
  if (status === EXISTS) return 'exists';
  const number = `0x${status.toString(16).padStart(8, '0')}`;
  const [problem, hint] = MEANINGS[status] ?? [
    'MSMQ refuses',
    `the documents of MSMQ list ${number} under "error and information codes"`,
  ];
  throw new MsmqCertError('msmq-refused', `${problem} (MQRegisterCertificate: ${number})`, { hint });
}
