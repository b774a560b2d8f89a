import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beginWithGssapi } from '../../src/native/kerberos/gssapi.ts';
import { type KdcStandIn, kdcStandIn } from './kdc-stand-in.ts';

const REALM = 'NOWHERE.EXAMPLE';
const PRINCIPAL = `bob@${REALM}`;

/** The statuses are those of the system's library, for a KDC that answers from this very process while the call waits. */
describe('Kerberos by the library of the system', () => {
  let folder: string;
  let kdc: KdcStandIn;
  const outside = { ...process.env };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'msmq-cert-gssapi-'));
    kdc = await kdcStandIn(REALM);
    const config = join(folder, 'krb5.conf');
    const keytab = join(folder, 'keytab');
    await writeFile(config, krb5Conf(kdc.port));
    await writeFile(keytab, keytabOf('bob'));
    Object.assign(process.env, { KRB5_CONFIG: config, KRB5CCNAME: 'MEMORY:', KRB5_CLIENT_KTNAME: keytab });
  });
  after(async () => {
    for (const name of ['KRB5_CONFIG', 'KRB5CCNAME', 'KRB5_CLIENT_KTNAME']) {
      if (outside[name] === undefined) delete process.env[name];
      else process.env[name] = outside[name];
    }
    kdc.close();
    await rm(folder, { recursive: true });
  });

  async function refused(principal: string | null): Promise<unknown> {
    const request = { service: 'ldap', host: 'dc1.nowhere.example', principal, channelBinding: Buffer.from('any') };
    try {
      const context = await beginWithGssapi(request);
      await context.step(Buffer.alloc(0)).finally(() => context.close());
    } catch (error) {
      return error;
    }
    assert.fail('it was not refused');
  }

  const cases: [code: number, says: RegExp][] = [
    [6, /^Kerberos refused "bob@NOWHERE\.EXAMPLE": there is no such account$/],
    [7, /^Kerberos knows no service "ldap\/dc1\.nowhere\.example"$/],
    [18, /: the account is disabled, expired or locked out$/],
    [23, /: the password has expired or must be changed$/],
    [24, /: the key in the keytab is not the one of the account$/],
    [37, /^the clock of this machine/],
    [12, /^Kerberos failed for ldap\/dc1\.nowhere\.example: .*policy.* \(major 0x00070000, minor -1765328372\)$/],
  ];
  for (const [code, says] of cases) {
    it(`tells what a KDC means by ${code}`, async () => {
      kdc.answerWith(code);
      const error = await refused(PRINCIPAL);
      assert.ok(error instanceof Error);
      assert.match(error.message, says);
    });
  }

  it('says whose key is missing in the keytab', async () => {
    const error = await refused(`alice@${REALM}`);
    assert.ok(error instanceof Error);
    assert.match(error.message, /^there is no Kerberos ticket for "alice@NOWHERE\.EXAMPLE"$/);
  });
});

function krb5Conf(port: number): string {
  return `[libdefaults]
  default_realm = ${REALM}
  dns_lookup_kdc = false
  dns_canonicalize_hostname = false
[realms]
  ${REALM} = {
    kdc = 127.0.0.1:${port}
  }
[domain_realm]
  .nowhere.example = ${REALM}
`;
}

/** A keytab (format 5.2) with one AES key of zeros. */
function keytabOf(name: string): Buffer {
  const counted = (bytes: Buffer) => Buffer.concat([number(2, bytes.length), bytes]);
  const entry = Buffer.concat([
    number(2, 1),
    counted(Buffer.from(REALM)),
    counted(Buffer.from(name)),
    ...[number(4, 1), number(4, 0), number(1, 1)],
    ...[number(2, 18), counted(Buffer.alloc(32))],
  ]);
  return Buffer.concat([number(2, 0x0502), number(4, entry.length), entry]);
}

function number(size: number, value: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
}
