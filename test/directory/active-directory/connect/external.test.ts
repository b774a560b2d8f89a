import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as tls from 'node:tls';
import { BerReader, BerWriter } from 'ldapts';
import { parseLdapUrl } from '../../../../src/directory/active-directory/address.ts';
import { openConnection } from '../../../../src/directory/active-directory/connect/connection.ts';
import { makeIdentity, Request, result } from '../stand-in.ts';

const identity = makeIdentity();
const client = makeIdentity({ issuer: identity });

interface Behaviour {
  /** The answer to EXTERNAL. */
  code?: number;
  /** What the server says to "Who am I?"; null when it does not know the question. */
  authzid?: string | null;
  /** Whether the server ends the connection of a client whose certificate it does not trust. */
  strict?: boolean;
}

describe('a bind with a client certificate', () => {
  let close: () => Promise<void> = async () => {};
  afterEach(() => close());

  async function connect(behaviour: Behaviour, { cert, key } = client) {
    const port = await listen(behaviour);
    const { socket } = await openConnection({
      address: parseLdapUrl(`ldaps://127.0.0.1:${port}`),
      credentials: { kind: 'external', certificate: cert, key },
      trust: { kind: 'authorities', pem: identity.cert },
      connectTimeoutMs: 5000,
      operationTimeoutMs: 5000,
    });
    socket.destroy();
  }

  const seen: string[] = [];

  async function listen({ code = 0, authzid = 'u:CORP\\alice', strict = false }: Behaviour): Promise<number> {
    seen.length = 0;
    const server = tls.createServer({ ...identity, ca: identity.cert, requestCert: true, rejectUnauthorized: strict });
    server.on('tlsClientError', () => {});
    server.on('secureConnection', (socket) => {
      seen.push(socket.getPeerX509Certificate()?.subject ?? 'nobody');
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        const reader = new BerReader(bytes);
        reader.readSequence();
        const id = reader.readInt() ?? 0;
        if (reader.peek() === Request.bind) socket.write(result(id, 0x61, code));
        if (reader.peek() === Request.extended) socket.write(whoAmI(id, authzid));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    close = async () => {
      server.close();
      await once(server, 'close');
    };
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  it('shows the certificate and is done when the server knows whose it is', async () => {
    await connect({});
    assert.deepEqual(seen, ['CN=signed stand-in']);
  });

  it('believes a server that cannot say who is bound', () => connect({ authzid: null }));

  it('is refused when the server takes the certificate for nobody', async () => {
    await assert.rejects(connect({ authzid: '' }), {
      code: 'bind-refused',
      message: /took the client certificate "CN=signed stand-in" for nobody/,
    });
  });

  for (const code of [1, 2, 7]) {
    it(`says that the server takes none when it answers ${code}`, async () => {
      await assert.rejects(connect({ code }), { code: 'bind-refused', message: /does not take client certificates/ });
    });
  }

  it('says that the server closed the connection on a certificate that it does not trust', async () => {
    await assert.rejects(connect({ strict: true }, makeIdentity()), {
      code: 'directory-unreachable',
      message: /closed the connection during the bind with the client certificate "CN=stand-in"/,
      hint: /may not trust/,
    });
  });
});

/** An ExtendedResponse with a value (RFC 4532), or the refusal of a server that does not know the operation. */
function whoAmI(id: number, authzid: string | null): Buffer {
  if (authzid === null) return result(id, 0x78, 2);
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(id);
  writer.startSequence(0x78);
  writer.writeEnumeration(0);
  writer.writeString('');
  writer.writeString('');
  writer.writeString(authzid, 0x8b);
  writer.endSequence();
  writer.endSequence();
  return writer.buffer;
}
