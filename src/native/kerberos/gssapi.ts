import { bytesAt, type ForeignMemory, foreignMemory, offMainThread, type Pointer } from '../library.ts';
import type { KerberosContext, KerberosRequest } from './context.ts';
import { type GssBuffer, type GssLibrary, gssLibrary } from './gssapi-library.ts';
import { gssFailure } from './gssapi-status.ts';
import { kerberosFailed } from './problems.ts';

const INITIATE = 1;
const MUTUAL_FLAG = 2;
const SEQUENCE_FLAG = 8;
const COMPLETE = 0;
const CONTINUE_NEEDED = 1;
/** The upper half of a major status holds errors, the lower one remarks (RFC 2744 §3.9.1). */
const ERRORS = 0xffff0000;
const NO_ADDRESS: GssBuffer = { length: 0, value: null };

/** What the library holds for one authentication. */
interface Held {
  target: [Pointer];
  credentials: [Pointer];
  context: [Pointer];
}

/** Kerberos by the GSS-API (RFC 2744): a ticket cache or a client keytab. */
export async function beginWithGssapi(request: KerberosRequest): Promise<KerberosContext> {
  const gss = await gssLibrary();
  const held: Held = { target: [null], credentials: [null], context: [null] };
  const check = checking(gss, request);
  let principal: string | null = null;

  try {
    held.target = [await importName(gss, `${request.service}@${request.host}`, gss.hostBasedService, check)];
    if (request.principal !== null) held.credentials = [await credentialsOf(gss, request.principal, check)];
  } catch (error) {
    release(gss, held);
    throw error;
  }

  const step = async (token: Uint8Array): Promise<Buffer> =>
    await withMemory(gss, async (memory, minor, output) => {
      const { length } = request.channelBinding;
      const bindings = {
        initiator_addrtype: 0,
        initiator_address: NO_ADDRESS,
        acceptor_addrtype: 0,
        acceptor_address: NO_ADDRESS,
        application_data: { length, value: memory.hold(request.channelBinding) },
      };
      const major = check(
        await offMainThread(
          ...([gss.initSecContext, minor, held.credentials[0], held.context, held.target[0], gss.mechanism] as const),
          ...([MUTUAL_FLAG | SEQUENCE_FLAG, 0, bindings, bufferOf(memory, token), null, output, null, null] as const),
        ),
        minor,
      );
      if (major !== CONTINUE_NEEDED) principal = await ownName(gss, held.context[0], check);
    });

  return {
    principal: () => principal,
    step,
    wrap: (message) =>
      withMemory(gss, async (memory, minor, output) => {
        const input = bufferOf(memory, message);
        check(await offMainThread(gss.wrap, minor, held.context[0], 0, 0, input, null, output), minor);
      }),
    unwrap: (message) =>
      withMemory(gss, async (memory, minor, output) => {
        const input = bufferOf(memory, message);
        check(await offMainThread(gss.unwrap, minor, held.context[0], input, output, null, null), minor);
      }),
    close: () => release(gss, held),
  };
}

/** Throws for a status that is an error, else passes it through. */
type Check = (major: number, minor: [number]) => number;

function checking(gss: GssLibrary, { service, host, principal }: KerberosRequest): Check {
  return (major, [minor]) => {
    if ((major & ERRORS) === COMPLETE) return major;
    throw kerberosFailed(`${service}/${host}`, principal, gssFailure(gss, major >>> 0, minor >>> 0));
  };
}

async function importName(gss: GssLibrary, name: string, type: Pointer, check: Check): Promise<Pointer> {
  const out: [Pointer] = [null];
  await withMemory(gss, async (memory, minor) => {
    check(await offMainThread(gss.importName, minor, bufferOf(memory, Buffer.from(name)), type, out), minor);
  });
  return out[0];
}

/** Finds the ticket cache or the key of a principal; asks a KDC when it is a key. */
async function credentialsOf(gss: GssLibrary, principal: string, check: Check): Promise<Pointer> {
  const out: [Pointer] = [null];
  const name: [Pointer] = [await importName(gss, principal, gss.userName, check)];
  const mechanisms = { count: 1, elements: gss.mechanism };
  try {
    const minor: [number] = [0];
    check(await offMainThread(gss.acquireCredentials, minor, name[0], 0, mechanisms, INITIATE, out, null, null), minor);
    return out[0];
  } finally {
    gss.releaseName([0], name);
  }
}

async function ownName(gss: GssLibrary, context: Pointer, check: Check): Promise<string> {
  const source: [Pointer] = [null];
  const minor: [number] = [0];
  check(gss.inquireContext(minor, context, source, null, null, null, null, null, null), minor);
  try {
    const name = await withMemory(gss, async (_, minor, output) => {
      check(gss.displayName(minor, source[0], output, null), minor);
    });
    return name.toString();
  } finally {
    gss.releaseName([0], source);
  }
}

/** Runs a call that has bytes in or out, returns the bytes that came out and frees what both sides hold. */
async function withMemory(
  gss: GssLibrary,
  call: (memory: ForeignMemory, minor: [number], output: Partial<GssBuffer>) => Promise<void>,
): Promise<Buffer> {
  const memory = foreignMemory(gss.koffi);
  const output: Partial<GssBuffer> = {};
  try {
    await call(memory, [0], output);
    return bytesAt(gss.koffi, output.value ?? null, Number(output.length ?? 0));
  } finally {
    memory.free();
    if (output.value) gss.releaseBuffer([0], output);
  }
}

function bufferOf(memory: ForeignMemory, bytes: Uint8Array): GssBuffer {
  return { length: bytes.length, value: memory.hold(bytes) };
}

function release(gss: GssLibrary, { target, credentials, context }: Held): void {
  if (context[0] !== null) gss.deleteSecContext([0], context, null);
  if (credentials[0] !== null) gss.releaseCredentials([0], credentials);
  if (target[0] !== null) gss.releaseName([0], target);
}
