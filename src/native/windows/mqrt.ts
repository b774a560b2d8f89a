import { join } from 'node:path';
import { openLibrary } from '../library.ts';
import type { WindowsCalls } from './calls.ts';
import { type Registration, registrationOf } from './mq-results.ts';

/** MQCERT_REGISTER_ALWAYS and MQCERT_REGISTER_IF_NOT_EXIST (specification §4). */
const FLAGS = { always: 1, 'if-not-exist': 2 } as const;

export type RegisterFlag = keyof typeof FLAGS;

/**
 * MSMQ's own registration of an internal certificate. Built from the documents; what was seen to be called is a
 * stand-in for mqrt.dll.
 * @throws MsmqCertError not-available where MSMQ is not installed
 */
export function openMqrt({ koffi }: WindowsCalls): (flag: RegisterFlag) => Registration {
  const library = openLibrary(koffi, {
    purpose: 'MSMQ',
    // by its place, so that nobody's file of that name is loaded
    names: [join(process.env['SystemRoot'] ?? 'C:\\Windows', 'System32', 'mqrt.dll')],
    hint: 'install the Windows feature Message Queuing with its directory service integration on this machine',
  });
  const register = library.func('__stdcall', 'MQRegisterCertificate', 'int32_t', ['uint32_t', 'void *', 'uint32_t']);
  return (flag) => registrationOf(register(FLAGS[flag], null, 0));
}
