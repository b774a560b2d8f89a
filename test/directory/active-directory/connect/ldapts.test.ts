import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import * as ldapts from 'ldapts';

/** What every class that ldapts exports, and its prototype, is made of. */
const MEMBERS = `
  const members = () => Object.entries(ldapts).flatMap(([name, exported]) =>
    [[name, exported], [name + '.prototype', exported?.prototype]].flatMap(([owner, object]) =>
      object === undefined || object === null || typeof object === 'string' ? [] :
        Reflect.ownKeys(object).map((key) => [owner + ' ' + String(key), Object.getOwnPropertyDescriptor(object, key)])));
`;

describe('ldapts', () => {
  it('is of the minor version whose inside this tool knows, and cannot become another by itself', () => {
    const wanted: unknown = Reflect.get(JSON.parse(readFileSync('package.json', 'utf8')).dependencies, 'ldapts');
    const { version } = JSON.parse(readFileSync('node_modules/ldapts/package.json', 'utf8'));
    assert.match(String(wanted), /^~9\.2\.\d+$/);
    assert.match(version, /^9\.2\.\d+$/);
  });

  it('hands a chunk and the requests that wait to the parser of the client', () => {
    const client = new ldapts.Client({ url: 'ldap://established' });
    const parser: unknown = Reflect.get(client, 'messageParser');
    assert.ok(parser instanceof ldapts.MessageParser);
    const read: unknown[] = [];
    parser.read = (chunk, pending) => void read.push(chunk, pending instanceof Map);
    const handler: unknown = Reflect.get(client, 'socketDataHandler');
    assert.ok(typeof handler === 'function');
    const chunk = Buffer.of(1);
    handler(chunk);
    assert.deepEqual(read, [chunk, true]);
  });

  it('is left as it is by this library, which shares it with others', () => {
    const script = `
      import * as ldapts from 'ldapts';
      ${MEMBERS}
      const before = members();
      const { connectActiveDirectory } = await import('./src/index.ts');
      const { ldapStandIn, makeIdentity } = await import('./test/directory/active-directory/stand-in.ts');
      const identity = makeIdentity();
      const server = await ldapStandIn(identity, () => 0);
      await connectActiveDirectory({
        url: 'ldaps://127.0.0.1:' + server.port,
        credentials: { kind: 'simple', name: 'CORP\\\\\\\\alice', password: 'geheim' },
        trust: { kind: 'authorities', pem: identity.cert },
        baseDn: null, domain: null, connectTimeoutMs: 5000, operationTimeoutMs: 5000,
      }).catch((error) => console.log(error.code));
      await server.close();
      const after = new Map(members());
      const changed = before.filter(([key, descriptor]) => {
        const now = after.get(key);
        return now === undefined || ['value', 'get', 'set'].some((part) => now[part] !== descriptor[part]);
      });
      console.log(JSON.stringify([before.length > 100, before.length === after.size, changed]));
    `;
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    // a bare result for the rootDSE: it was connected to and searched
    assert.deepEqual(said.trim().split('\n'), ['directory-error', '[true,true,[]]']);
  });
});
