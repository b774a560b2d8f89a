import assert from 'node:assert/strict';
import { encode } from 'dns-packet';
import fc from 'fast-check';
import { discoverDomain } from '../../../../src/directory/active-directory/domain/discovery.ts';
import {
  answerTo,
  type Dns,
  type DnsServer,
  dnsThrough,
  parseDnsServer,
  type Query,
} from '../../../../src/directory/active-directory/domain/dns-query.ts';
import { MsmqCertError, toMsmqCertError } from '../../../../src/errors.ts';
import { a, type Behaviour, type DnsStandIn, dnsStandIn, srv, type Zone } from '../dns-stand-in.ts';

const NAME = '_ldap._tcp.dc._msdcs.corp.example';
const ZONE: Zone = {
  [`${NAME} SRV`]: [srv(NAME, 'dc1.corp.example')],
  'dc1.corp.example A': [a('dc1.corp.example', '192.0.2.1'), a('dc1.corp.example', '192.0.2.2')],
};

describe('asking DNS', () => {
  const open: DnsStandIn[] = [];
  async function start(behaviour: Behaviour = {}, zone = ZONE): Promise<DnsStandIn> {
    const standIn = await dnsStandIn(zone, behaviour);
    open.push(standIn);
    return standIn;
  }
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()));
  });

  const addresses = async (servers: DnsServer[], timeoutMs?: number) => {
    const answers = await dnsThrough(servers, timeoutMs)('dc1.corp.example', 'A');
    return answers.map((answer) => (answer.type === 'A' ? answer.data : answer.type));
  };

  it('gives the records of the type that was asked for', async () => {
    const { server } = await start();
    assert.deepEqual(await addresses([server]), ['192.0.2.1', '192.0.2.2']);
  });

  it('has nothing for a name that does not exist', async () => {
    const { server } = await start();
    assert.deepEqual(await dnsThrough([server])('nobody.corp.example', 'A'), []);
  });

  it('asks again over TCP when the answer does not fit', async () => {
    const { server, asked } = await start({ truncating: true });
    assert.deepEqual(await addresses([server]), ['192.0.2.1', '192.0.2.2']);
    assert.deepEqual(asked, ['udp dc1.corp.example A', 'tcp dc1.corp.example A']);
  });

  it('asks the next server when one fails or is silent', async () => {
    const broken = await start({ rcode: 2 });
    const silent = await start({ losing: Number.POSITIVE_INFINITY });
    const good = await start();
    assert.deepEqual(await addresses([broken.server, silent.server, good.server], 100), ['192.0.2.1', '192.0.2.2']);
    assert.deepEqual([broken.asked.length, silent.asked.length, good.asked.length], [1, 1, 1]);
  });

  it('asks once more when an answer is lost', async () => {
    const { server, asked } = await start({ losing: 1 });
    assert.deepEqual(await addresses([server], 100), ['192.0.2.1', '192.0.2.2']);
    assert.equal(asked.length, 2);
  });

  it('does not believe an answer to another question', async () => {
    const twist: Behaviour['twist'] = (answer, { id = 0 }) => {
      const guessed = Buffer.from(answer);
      guessed.writeUInt16BE((id + 1) & 0xffff);
      const elsewhere = Buffer.from(answer);
      elsewhere.write('dcX', elsewhere.indexOf('dc1'));
      return [Buffer.from('garbage'), guessed, elsewhere, answer];
    };
    const { server } = await start({ twist });
    assert.deepEqual(await addresses([server]), ['192.0.2.1', '192.0.2.2']);
  });

  it('fails with the servers it asked when none answers', async () => {
    const { server } = await start({ rcode: 5 });
    await assert.rejects(addresses([server]), {
      code: 'directory-unreachable',
      message: 'no DNS server answered for dc1.corp.example (asked: 127.0.0.1)',
      hint: /--dns-server/,
    });
    await assert.rejects(addresses([]), { message: /asked: none/ });
  });
});

describe('the address of a DNS server', () => {
  it('is an IP address with or without a port', () => {
    assert.deepEqual(parseDnsServer('192.0.2.1'), { ip: '192.0.2.1', port: 53 });
    assert.deepEqual(parseDnsServer('192.0.2.1:5353'), { ip: '192.0.2.1', port: 5353 });
    assert.deepEqual(parseDnsServer('2001:db8::1'), { ip: '2001:db8::1', port: 53 });
    assert.deepEqual(parseDnsServer('[2001:db8::1]:5353'), { ip: '2001:db8::1', port: 5353 });
  });

  for (const text of ['', 'dc1.corp.example', '192.0.2', '192.0.2.1:0', '192.0.2.1:65536', '192.0.2.1:', '[::1']) {
    it(`is not "${text}"`, () => {
      assert.throws(() => parseDnsServer(text), { code: 'invalid-config' });
    });
  }

  it('takes anything for an answer or for none, and never for another kind of error', async () => {
    const query: Query = { type: 'query', id: 7, flags: 0, questions: [{ name: NAME, type: 'SRV' }] };
    const good = encode({ ...query, type: 'response', answers: ZONE[`${NAME} SRV`] ?? [] });
    assert.equal(answerTo(query, good)?.answers?.length, 1);
    const mutation = fc.record({ at: fc.nat(good.length - 1), by: fc.nat(255) });
    const inputs = fc.tuple(fc.array(mutation, { maxLength: 5 }), fc.nat(good.length));
    await fc.assert(
      fc.asyncProperty(inputs, async ([mutations, length]) => {
        const mutated = Buffer.from(good);
        for (const { at, by } of mutations) mutated[at] = by;
        for (const bytes of [mutated, mutated.subarray(0, length)]) {
          const answers = answerTo(query, bytes)?.answers ?? [];
          const dns: Dns = async (_name, type) => answers.filter((answer) => answer.type === type);
          const found = await discoverDomain(dns, 'corp.example', null).catch(toMsmqCertError);
          if (found instanceof MsmqCertError) assert.notEqual(found.code, 'internal', `${found.message}`);
          else assert.ok(found.all.every(({ host }) => /^[^\p{C}\s]+\.corp\.example$/u.test(host)));
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('gives no server whose name is none', async () => {
    for (const target of ['dc1\r\n.corp.example', 'a/b.corp.example', 'u:p@dc1.corp.example', 'dc 1.corp.example']) {
      const dns: Dns = async (name) => [srv(name, target)];
      await assert.rejects(discoverDomain(dns, 'corp.example', null), {
        code: 'tls-untrusted',
        message: /which is no host name/,
      });
    }
  });
});
