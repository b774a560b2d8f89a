import { bytesAt, type ForeignMemory, foreignMemory, offMainThread } from '../library.ts';
import type { KerberosContext, KerberosRequest } from './context.ts';
import { kerberosFailed } from './problems.ts';
import { type SecBuffer, type SecBufferDesc, type SecHandle, type SspiLibrary, sspiLibrary } from './sspi-library.ts';
import { sspiFailure } from './sspi-status.ts';

const OUTBOUND = 2;
/** ISC_REQ_MUTUAL_AUTH | ISC_REQ_SEQUENCE_DETECT | ISC_REQ_ALLOCATE_MEMORY | ISC_REQ_INTEGRITY */
const FLAGS = 0x2 | 0x8 | 0x100 | 0x10000;
const NETWORK_ORDER = 0;
const CONTINUE_NEEDED = 0x90312;
const SIZES = 0;
const NAMES = 1;
/** SECQOP_WRAP_NO_ENCRYPT */
const SIGN_ONLY = 0x80000001;

/** Kinds of SecBuffer, as sspi.h has them. */
const DATA = 1;
const TOKEN = 2;
const PADDING = 9;
const STREAM = 10;
const CHANNEL_BINDINGS = 14;

interface Held {
  credentials: SecHandle | null;
  context: SecHandle | null;
}

/**
 * Kerberos by Windows' SSPI, as the account that runs this process. Built from Microsoft's documents ("SSPI/Kerberos
 * interoperability with GSSAPI") and seen to bind under Wine 10 only. Never seen: anything on Windows itself, above all
 * that the channel binding is taken (Wine drops it) and both branches that are not Wine's.
 */
export async function beginWithSspi(request: KerberosRequest): Promise<KerberosContext> {
  const sspi = await sspiLibrary();
  const target = `${request.service}/${request.host}`;
  const held: Held = { credentials: null, context: null };
  let principal: string | null = null;
  const check: Check = (status) => {
    if (status < 0) throw kerberosFailed(target, request.principal, sspiFailure(sspi, status));
    return status;
  };
  const credentials = {};
  const expiry: [null] = [null];
  check(
    await offMainThread(
      ...([sspi.acquireCredentials, request.principal, 'Kerberos', OUTBOUND, null, null, null, null] as const),
      ...([credentials, expiry] as const),
    ),
  );
  held.credentials = filled(credentials);

  return {
    principal: () => principal,
    step: async (token) => {
      const { status, answer } = await initialize(sspi, held, target, token, request.channelBinding);
      check(status);
      if (status !== CONTINUE_NEEDED) principal = ownName(sspi, contextOf(held)) ?? request.principal ?? OWN_ACCOUNT;
      return answer;
    },
    wrap: async (message) => wrap(sspi, contextOf(held), message, check),
    unwrap: async (message) => unwrap(sspi, contextOf(held), message, check),
    close: () => {
      if (held.context !== null) sspi.deleteContext(held.context);
      if (held.credentials !== null) sspi.freeCredentials(held.credentials);
      held.context = null;
      held.credentials = null;
    },
  };
}

/** Throws for a status that is an error, else passes it through. */
type Check = (status: number) => number;

/** Who it is where the system does not tell: Wine does not. */
const OWN_ACCOUNT = 'the account of this process';

async function initialize(
  sspi: SspiLibrary,
  held: Held,
  target: string,
  token: Uint8Array,
  channelBinding: Uint8Array,
): Promise<{ status: number; answer: Buffer }> {
  const memory = foreignMemory(sspi.koffi);
  try {
    const binding = bufferOf(memory, CHANNEL_BINDINGS, channelBindings(channelBinding));
    const input = token.length === 0 ? [binding] : [bufferOf(memory, TOKEN, token), binding];
    const output = describe(sspi, memory, [{ cbBuffer: 0, BufferType: TOKEN, pvBuffer: null }]);
    const context = {};
    const attributes: [number] = [0];
    const expiry: [null] = [null];
    const status = await offMainThread(
      ...([sspi.initializeContext, held.credentials ?? filled({}), held.context, target, FLAGS, 0] as const),
      ...([NETWORK_ORDER, describe(sspi, memory, input), 0, context, output, attributes, expiry] as const),
    );
    // After a failure there is no token, and what the pointer says belongs to nobody.
    if (status < 0) return { status, answer: Buffer.alloc(0) };
    held.context = filled(context);
    const [answer] = buffersIn(sspi, output);
    const bytes = bytesOf(sspi, answer);
    if (answer?.pvBuffer) sspi.freeContextBuffer(answer.pvBuffer);
    return { status, answer: bytes };
  } finally {
    memory.free();
  }
}

/** SEC_CHANNEL_BINDINGS: eight numbers, of which ours are the length and the offset of the application data behind them. */
function channelBindings(applicationData: Uint8Array): Buffer {
  const head = Buffer.alloc(32);
  head.writeUInt32LE(applicationData.length, 24);
  head.writeUInt32LE(head.length, 28);
  return Buffer.concat([head, applicationData]);
}

function wrap(sspi: SspiLibrary, context: SecHandle, message: Uint8Array, check: Check): Buffer {
  const sizes = sizesOf(sspi, context, check);
  const memory = foreignMemory(sspi.koffi);
  try {
    const buffers = describe(sspi, memory, [
      bufferOf(memory, TOKEN, Buffer.alloc(sizes.cbSecurityTrailer)),
      bufferOf(memory, DATA, message),
      bufferOf(memory, PADDING, Buffer.alloc(sizes.cbBlockSize)),
    ]);
    check(sspi.encryptMessage(context, SIGN_ONLY, buffers, 0));
    const [token, data, padding] = buffersIn(sspi, buffers).map((buffer) => bytesOf(sspi, buffer));
    // the order of Windows is documented, the one of Wine was seen
    return Buffer.concat((sspi.isWine ? [data, token] : [token, data, padding]).map((part) => part ?? Buffer.alloc(0)));
  } finally {
    memory.free();
  }
}

function unwrap(sspi: SspiLibrary, context: SecHandle, message: Uint8Array, check: Check): Buffer {
  const memory = foreignMemory(sspi.koffi);
  try {
    const parts = sspi.isWine
      ? inWinesParts(memory, message)
      : [bufferOf(memory, STREAM, message), { cbBuffer: 0, BufferType: DATA, pvBuffer: null }];
    const buffers = describe(sspi, memory, parts);
    check(sspi.decryptMessage(context, buffers, 0, [0]));
    // with a stream the data points into the message: no memory of its own
    return bytesOf(
      sspi,
      buffersIn(sspi, buffers).find(({ BufferType }) => BufferType === DATA),
    );
  } finally {
    memory.free();
  }
}

/**
 * Wine has no stream: it joins these two again, and gives back as many bytes as DATA holds. A signed message (RFC 4121
 * §4.2.6.2) is 16 bytes of head, the plain text and a checksum, whose length stands at the fifth byte.
 */
function inWinesParts(memory: ForeignMemory, message: Uint8Array): SecBuffer[] {
  const checksum = ((message[4] ?? 0) << 8) | (message[5] ?? 0);
  const plain = Math.max(0, message.length - 16 - checksum);
  return [bufferOf(memory, DATA, message.subarray(0, plain)), bufferOf(memory, TOKEN, message.subarray(plain))];
}

function sizesOf(sspi: SspiLibrary, context: SecHandle, check: Check) {
  const sizes: Parameters<SspiLibrary['querySizes']>[2] = {};
  check(sspi.querySizes(context, SIZES, sizes));
  return { cbSecurityTrailer: sizes.cbSecurityTrailer ?? 0, cbBlockSize: sizes.cbBlockSize ?? 0 };
}

function ownName(sspi: SspiLibrary, context: SecHandle): string | null {
  const out: { sUserName?: bigint | null } = {};
  if (sspi.queryName(context, NAMES, out) < 0 || !out.sUserName) return null;
  const name = sspi.koffi.decode.string16(out.sUserName);
  sspi.freeContextBuffer(out.sUserName);
  return name;
}

function bufferOf(memory: ForeignMemory, type: number, bytes: Uint8Array): SecBuffer {
  return { cbBuffer: bytes.length, BufferType: type, pvBuffer: memory.hold(bytes) };
}

/** Lays the buffers out where the call on another thread finds them. */
function describe({ koffi, secBuffer }: SspiLibrary, memory: ForeignMemory, buffers: SecBuffer[]): SecBufferDesc {
  const pBuffers = memory.hold(Buffer.alloc(koffi.sizeof(secBuffer) * buffers.length));
  koffi.encode(pBuffers, secBuffer, buffers, buffers.length);
  return { ulVersion: 0, cBuffers: buffers.length, pBuffers };
}

function buffersIn({ koffi, secBuffer }: SspiLibrary, { pBuffers, cBuffers }: SecBufferDesc): SecBuffer[] {
  return koffi.decode(pBuffers, secBuffer, cBuffers);
}

function bytesOf({ koffi }: SspiLibrary, buffer: SecBuffer | undefined): Buffer {
  return buffer === undefined ? Buffer.alloc(0) : bytesAt(koffi, buffer.pvBuffer, buffer.cbBuffer);
}

/** A handle that a call has filled. */
function filled({ dwLower = 0, dwUpper = 0 }: Partial<SecHandle>): SecHandle {
  return { dwLower, dwUpper };
}

function contextOf({ context }: Held): SecHandle {
  return context ?? filled({});
}
