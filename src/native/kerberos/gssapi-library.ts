import type { KoffiFunc } from 'koffi';
import { type Koffi, type LibraryPlace, loadKoffi, openLibrary, type Pointer } from '../library.ts';

/** gss_buffer_desc (RFC 2744 §3.2); the library fills an empty one. */
export interface GssBuffer {
  length: number;
  value: Pointer;
}

/** gss_channel_bindings_struct (RFC 2744 §3.11). */
interface GssChannelBindings {
  initiator_addrtype: number;
  initiator_address: GssBuffer;
  acceptor_addrtype: number;
  acceptor_address: GssBuffer;
  application_data: GssBuffer;
}

/** A value that the library writes into a variable of ours. */
type Out<T> = [T];
type Handle = Pointer;
/** What every call returns: the major status; the minor one comes out of its first argument. */
type Call<A extends unknown[]> = KoffiFunc<(minor: Out<number>, ...args: A) => number>;

/** The functions of RFC 2744 that a client needs. */
export interface GssLibrary {
  koffi: Koffi;
  mechanism: Pointer;
  hostBasedService: Pointer;
  userName: Pointer;
  importName: Call<[name: GssBuffer, type: Pointer, out: Out<Handle>]>;
  releaseName: Call<[name: Out<Handle>]>;
  displayName: Call<[name: Handle, out: Partial<GssBuffer>, type: null]>;
  acquireCredentials: Call<
    [name: Handle, seconds: number, mechanisms: GssOidSet, usage: number, out: Out<Handle>, actual: null, valid: null]
  >;
  releaseCredentials: Call<[credentials: Out<Handle>]>;
  initSecContext: Call<
    [
      ...[
        credentials: Handle,
        context: Out<Handle>,
        target: Handle,
        mechanism: Pointer,
        flags: number,
        seconds: number,
      ],
      ...[bindings: GssChannelBindings, input: GssBuffer, actualMechanism: null, output: Partial<GssBuffer>],
      ...[actualFlags: null, valid: null],
    ]
  >;
  inquireContext: Call<
    [
      ...[context: Handle, source: Out<Handle>, target: null, valid: null, mechanism: null, flags: null],
      ...[locallyInitiated: null, open: null],
    ]
  >;
  deleteSecContext: Call<[context: Out<Handle>, output: null]>;
  wrap: Call<
    [context: Handle, encrypt: number, quality: number, input: GssBuffer, encrypted: null, out: Partial<GssBuffer>]
  >;
  unwrap: Call<[context: Handle, input: GssBuffer, out: Partial<GssBuffer>, encrypted: null, quality: null]>;
  releaseBuffer: Call<[buffer: Partial<GssBuffer>]>;
  displayStatus: Call<[status: number, type: number, mechanism: Pointer, more: Out<number>, out: Partial<GssBuffer>]>;
}

/** A type in the words of koffi. */
type Type = Parameters<Koffi['out']>[0];

interface GssOidSet {
  count: number;
  elements: Pointer;
}

/** The mechanism Kerberos 5 (RFC 4121 §4.1): 1.2.840.113554.1.2.2. */
const KRB5 = '2a864886f712010202';
/** GSS_C_NT_HOSTBASED_SERVICE (RFC 2743 §4.1): ldap@dc1.corp.example. */
const HOST_BASED_SERVICE = '2a864886f71201020104';
/** GSS_C_NT_USER_NAME (RFC 2743 §4.2): alice@CORP.EXAMPLE. */
const USER_NAME = '2a864886f71201020101';

function place(): LibraryPlace {
  const purpose = 'Kerberos';
  // Apple's Heimdal: its headers are the source of this, it was never seen to run
  if (process.platform === 'darwin') {
    return { purpose, names: ['/System/Library/Frameworks/GSS.framework/GSS'], hint: 'bind with --auth simple' };
  }
  return {
    purpose,
    names: ['libgssapi_krb5.so.2'],
    hint: 'install MIT Kerberos (Debian: libgssapi-krb5-2, Red Hat and Alpine: krb5-libs), or bind with --auth simple',
  };
}

let opened: Promise<GssLibrary> | null = null;

/**
 * The system's GSS-API, loaded once.
 * @throws MsmqCertError not-available
 */
export async function gssLibrary(): Promise<GssLibrary> {
  opened ??= open();
  return await opened;
}

async function open(): Promise<GssLibrary> {
  const koffi = await loadKoffi('Kerberos');
  const library = openLibrary(koffi, place());
  // Apple packs the structures of these headers to two bytes on Intel: no room between a number and a pointer
  const struct = process.platform === 'darwin' && process.arch === 'x64' ? koffi.pack : koffi.struct;
  const oid = struct({ length: 'uint32_t', elements: 'void *' });
  const set = struct({ count: 'size_t', elements: 'void *' });
  const buffer = struct({ length: 'size_t', value: 'void *' });
  const bindings = struct({
    initiator_addrtype: 'uint32_t',
    initiator_address: buffer,
    acceptor_addrtype: 'uint32_t',
    acceptor_address: buffer,
    application_data: buffer,
  });
  const handle = 'void *';
  const number = 'uint32_t';
  const inSet = koffi.pointer(set);
  const inBindings = koffi.pointer(bindings);
  const inBuffer = koffi.pointer(buffer);
  const outBuffer = koffi.out(inBuffer);
  const outHandle = koffi.out(koffi.pointer(handle));
  const handleThere = koffi.inout(koffi.pointer(handle));
  const outNumber = koffi.out(koffi.pointer(number));

  const call = <A extends unknown[]>(name: string, types: Type[]) =>
    library.func(name, number, [outNumber, ...types]) as Call<A>;
  const identifier = (hex: string): Pointer => {
    const bytes = Buffer.from(hex, 'hex');
    const elements: bigint = koffi.alloc('uint8_t', bytes.length);
    koffi.encode(elements, 'uint8_t', bytes, bytes.length);
    const pointer: bigint = koffi.alloc(oid, 1);
    koffi.encode(pointer, oid, { length: bytes.length, elements });
    return pointer;
  };

  return {
    koffi,
    mechanism: identifier(KRB5),
    hostBasedService: identifier(HOST_BASED_SERVICE),
    userName: identifier(USER_NAME),
    importName: call('gss_import_name', [inBuffer, handle, outHandle]),
    releaseName: call('gss_release_name', [handleThere]),
    displayName: call('gss_display_name', [handle, outBuffer, handle]),
    acquireCredentials: call('gss_acquire_cred', [handle, number, inSet, 'int', outHandle, handle, handle]),
    releaseCredentials: call('gss_release_cred', [handleThere]),
    initSecContext: call('gss_init_sec_context', [
      ...[handle, handleThere, handle, handle, number, number],
      ...[inBindings, inBuffer, handle, outBuffer, handle, handle],
    ]),
    inquireContext: call('gss_inquire_context', [handle, outHandle, handle, handle, handle, handle, handle, handle]),
    deleteSecContext: call('gss_delete_sec_context', [handleThere, handle]),
    wrap: call('gss_wrap', [handle, 'int', number, inBuffer, handle, outBuffer]),
    unwrap: call('gss_unwrap', [handle, inBuffer, outBuffer, handle, handle]),
    releaseBuffer: call('gss_release_buffer', [koffi.inout(inBuffer)]),
    displayStatus: call('gss_display_status', [number, 'int', handle, outNumber, outBuffer]),
  };
}
