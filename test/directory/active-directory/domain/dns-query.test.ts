import assert from 'node:assert/strict';
import {
  type DnsServer,
  dnsThrough,
  parseDnsServer,
} from '../../../../src/directory/active-directory/domain/dns-query.ts';
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
});
