import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  discoverDomain,
  discoverGlobalCatalogs,
  orderByPriority,
  parseDomainUrl,
} from '../../../../src/directory/active-directory/domain/discovery.ts';
import { type Dns, dnsThrough } from '../../../../src/directory/active-directory/domain/dns-query.ts';
import { type DnsStandIn, dnsStandIn, srv, type Zone } from '../dns-stand-in.ts';

const DC = '_ldap._tcp.dc._msdcs.corp.example';
const PDC = '_ldap._tcp.pdc._msdcs.corp.example';
const BONN = '_ldap._tcp.bonn._sites.dc._msdcs.corp.example';
const GC = '_ldap._tcp.gc._msdcs.corp.example';

describe('discovery', () => {
  const open: DnsStandIn[] = [];
  async function zone(records: Zone): Promise<Dns> {
    const standIn = await dnsStandIn(records);
    open.push(standIn);
    return dnsThrough([standIn.server]);
  }
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()));
  });

  it('finds the PDC emulator, those of the site and all others, nearest priority first', async () => {
    const dns = await zone({
      [`${PDC} SRV`]: [srv(PDC, 'DC2.corp.example')],
      [`${BONN} SRV`]: [srv(BONN, 'dc3.corp.example.')],
      [`${DC} SRV`]: [srv(DC, 'dc3.corp.example', 20), srv(DC, 'dc1.corp.example', 0), srv(DC, 'dc2.corp.example', 10)],
    });
    const found = await discoverDomain(dns, 'corp.example', 'Bonn');
    assert.deepEqual(found.pdcEmulator, { host: 'dc2.corp.example', port: 389 });
    assert.deepEqual(found.near, [{ host: 'dc3.corp.example', port: 389 }]);
    assert.deepEqual(
      found.all.map(({ host }) => host),
      ['dc1.corp.example', 'dc2.corp.example', 'dc3.corp.example'],
    );
  });

  it('goes on without a record for the PDC emulator, and asks for no site that nobody named', async () => {
    const dns = await zone({ [`${DC} SRV`]: [srv(DC, 'dc1.corp.example')] });
    const found = await discoverDomain(dns, 'corp.example', null);
    assert.equal(found.pdcEmulator, null);
    assert.deepEqual(open[0]?.asked.toSorted(), [`udp ${DC} SRV`, `udp ${PDC} SRV`]);
  });

  it('says when DNS knows no domain controllers', async () => {
    const refused = { code: 'directory-unreachable', message: 'DNS knows no domain controllers of corp.example' };
    await assert.rejects(discoverDomain(await zone({}), 'corp.example', null), refused);
    // a target of "." says the same (RFC 2782)
    await assert.rejects(discoverDomain(await zone({ [`${DC} SRV`]: [srv(DC, '.')] }), 'corp.example', null), refused);
  });

  it('says when there is no such site', async () => {
    const dns = await zone({ [`${DC} SRV`]: [srv(DC, 'dc1.corp.example')] });
    await assert.rejects(discoverDomain(dns, 'corp.example', 'Bonn'), { code: 'invalid-config', message: /"Bonn"/ });
    await assert.rejects(discoverDomain(dns, 'corp.example', 'a.b'), { code: 'invalid-config', message: /"a\.b"/ });
  });

  it('trusts no server outside the domain: who forges DNS may have a good certificate for it', async () => {
    for (const target of ['dc1.evil.example', 'corp.example', 'evilcorp.example', 'dc1.corp.example.evil']) {
      const dns = await zone({ [`${PDC} SRV`]: [srv(PDC, target)], [`${DC} SRV`]: [srv(DC, 'dc1.corp.example')] });
      await assert.rejects(discoverDomain(dns, 'corp.example', null), { code: 'tls-untrusted' }, target);
    }
  });

  it('finds the global catalogs of a forest, in all of its trees', async () => {
    const dns = await zone({ [`${GC} SRV`]: [srv(GC, 'gc.other.example', 0, 0, 3268)] });
    assert.deepEqual(await discoverGlobalCatalogs(dns, 'corp.example', ['corp.example', 'other.example']), [
      { host: 'gc.other.example', port: 3268 },
    ]);
    await assert.rejects(discoverGlobalCatalogs(dns, 'corp.example'), { code: 'tls-untrusted' });
  });
});

describe('the order of SRV records', () => {
  const record = fc.record({
    target: fc.string(),
    port: fc.constant(389),
    priority: fc.nat(3),
    weight: fc.nat(100),
  });
  const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  it('keeps every record once and never puts a higher priority first', () => {
    fc.assert(
      fc.property(fc.array(record), draw, (records, number) => {
        const ordered = orderByPriority(records, () => number);
        assert.deepEqual(new Set(ordered), new Set(records));
        assert.equal(ordered.length, records.length);
        const priorities = ordered.map(({ priority }) => priority ?? 0);
        assert.deepEqual(
          priorities,
          priorities.toSorted((left, right) => left - right),
        );
      }),
    );
  });

  it('draws the first of a priority by weight', () => {
    const records = [
      { target: 'heavy', port: 389, priority: 0, weight: 3 },
      { target: 'light', port: 389, priority: 0, weight: 1 },
    ];
    // RFC 2782: a number from 0 to the sum; the first record whose running sum reaches it
    const firsts = [0, 0.2, 0.4, 0.6, 0.8].map((number) => orderByPriority(records, () => number)[0]?.target);
    assert.deepEqual(firsts, ['heavy', 'heavy', 'heavy', 'heavy', 'light']);
  });

  it('draws a record of weight 0 by the lowest number only', () => {
    const records = [
      { target: 'some', port: 389, weight: 1 },
      { target: 'none', port: 389, weight: 0 },
    ];
    assert.equal(orderByPriority(records, () => 0)[0]?.target, 'none');
    assert.equal(orderByPriority(records, () => 0.5)[0]?.target, 'some');
  });
});

describe('the URL of a domain', () => {
  for (const text of ['ad://corp.example', 'AD://Corp.Example/', 'ad://corp.example.']) {
    it(`is ${text}`, () => {
      assert.equal(parseDomainUrl(text), 'corp.example');
    });
  }

  for (const text of [
    'ad://',
    'ad:corp.example',
    'ad://corp.example:389',
    'ad://192.0.2.1',
    'ad://a/b',
    'ad://-a',
    'ad://a..b',
  ]) {
    it(`is not ${text}`, () => {
      assert.throws(() => parseDomainUrl(text), { code: 'invalid-config' });
    });
  }

  it('is never repeated when there may be a password in it', () => {
    assert.throws(
      () => parseDomainUrl('ad://alice:geheim@corp.example'),
      (error: Error) => !error.message.includes('geheim'),
    );
  });
});
