import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import {
  bits,
  explicit,
  identifier,
  octets,
  type Structure,
  sequence,
  setOf,
} from '../../../src/certificate/x509/asn1.ts';
import { type DescribedCertificate, describeCertificate } from '../../../src/certificate/x509/describe.ts';
import { anyIssued, commonName, rawElement, rsaKey, unsigned, validity } from '../support.ts';

const vectors = new URL('../../fixtures/vectors/', import.meta.url);

function described(der: Uint8Array): DescribedCertificate {
  const facts = describeCertificate(der);
  assert.ok(facts.kind === 'certificate', facts.kind === 'certificate' ? '' : facts.reason);
  return facts;
}

function refused(der: Uint8Array, what: string): void {
  assert.equal(describeCertificate(der).kind, 'not-a-certificate', what);
}

function certificatesIn(file: string): Buffer[] {
  const blob = readFileSync(new URL(file, vectors));
  const found: Buffer[] = [];
  for (let offset = 4; offset < blob.length; ) {
    const start = offset + 36;
    const end = start + blob.readUInt32LE(offset + 32);
    found.push(blob.subarray(start, end));
    offset = end;
  }
  return found;
}

function agreesWithOpenSsl(der: Buffer): void {
  const ours = described(der);
  const theirs = new X509Certificate(der);
  const commonNames = (text: string): string[] => text.split('\n').flatMap((line) => /^CN=(.*)$/.exec(line)?.[1] ?? []);
  const ourNames = ours.subject.flat().flatMap(({ type, value }) => (type === 'CN' ? [value] : []));
  assert.equal(ours.serialNumber, theirs.serialNumber);
  assert.equal(ours.notBefore.getTime(), theirs.validFromDate.getTime());
  assert.equal(ours.notAfter.getTime(), theirs.validToDate.getTime());
  assert.equal(ours.keyBits, theirs.publicKey.asymmetricKeyDetails?.modulusLength);
  assert.deepEqual(
    ourNames.map((name) => name.replaceAll(/[\\",]/g, '\\$&')),
    commonNames(theirs.subject).map((name) => name.replaceAll(/^"|"$/g, '')),
  );
}

const at = (text: string): Date => new Date(text);
const utc = (text: string): Structure => rawElement(0x17, Buffer.from(text));
const generalized = (text: string): Structure => rawElement(0x18, Buffer.from(text));

describe('describeCertificate', () => {
  it('agrees with OpenSSL about the certificates of the vectors', () => {
    const files = ['three-rsa.bin', 'weak-and-expired.bin', 'digest-mismatch.bin'].filter((file) =>
      readdirSync(vectors).includes(file),
    );
    const all = files.flatMap(certificatesIn);
    assert.equal(all.length, 8);
    for (const der of all) agreesWithOpenSsl(der);
  });

  it('agrees with OpenSSL about a certificate of ours', async () => {
    const { certificate } = await anyIssued();
    agreesWithOpenSsl(certificate);
    assert.equal(described(certificate).signatureAlgorithm, 'sha256WithRSAEncryption');
    const { issuer, subject } = described(certificate);
    assert.equal(issuer, subject);
  });

  it('never throws on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        assert.equal(describeCertificate(bytes).kind, 'not-a-certificate');
      }),
    );
  });

  it('never throws on an altered certificate', async () => {
    const { certificate } = await anyIssued();
    const change = fc.record({ at: fc.nat(certificate.length - 1), to: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const altered = Buffer.from(certificate);
        for (const { at, to } of changes) altered[at] = to;
        const { kind } = describeCertificate(altered);
        assert.ok(kind === 'certificate' || kind === 'not-a-certificate');
      }),
      { numRuns: 3000 },
    );
  });

  it('demands every byte, and none more', async () => {
    const { certificate } = await anyIssued();
    for (let length = 0; length < certificate.length; length++)
      refused(certificate.subarray(0, length), `${length} bytes`);
    refused(Buffer.concat([certificate, Buffer.of(0)]), 'a byte too many');
  });

  it('reads a Uint8Array that is a part of a larger buffer', () => {
    const der = unsigned();
    const larger = new Uint8Array(der.length + 20).fill(0xff);
    larger.set(der, 10);
    assert.deepEqual(describeCertificate(larger.subarray(10, 10 + der.length)), describeCertificate(der));
  });

  it('reads dates of every kind', () => {
    const dates = (notBefore: Structure, notAfter: Structure): Date[] => {
      const facts = described(unsigned({ validity: validity(notBefore, notAfter) }));
      return [facts.notBefore, facts.notAfter];
    };
    assert.deepEqual(dates(utc('500101000000Z'), utc('491231235959Z')), [
      at('1950-01-01T00:00:00Z'),
      at('2049-12-31T23:59:59Z'),
    ]);
    assert.deepEqual(dates(utc('690720201740Z'), generalized('99991231235959Z')), [
      at('1969-07-20T20:17:40Z'),
      at('9999-12-31T23:59:59Z'),
    ]);
    assert.deepEqual(dates(generalized('00010101000000Z'), generalized('20000229120000Z')), [
      at('0001-01-01T00:00:00Z'),
      at('2000-02-29T12:00:00Z'),
    ]);
  });

  it('refuses dates that do not exist or are not written as DER demands', () => {
    const wrong = [
      '21000229000000Z',
      '20231301000000Z',
      '20230001000000Z',
      '20230431000000Z',
      '20230400000000Z',
      '20230401240000Z',
      '20230401006000Z',
      '20230401000060Z',
      '202304010000Z',
      '20230401000000+',
      '20230401000000.5Z',
      '2023040100000 Z',
      '',
    ];
    for (const text of wrong) refused(unsigned({ validity: validity(generalized(text), utc('300101000000Z')) }), text);
    for (const text of ['2301010000Z', '230101000000+0100', '230230000000Z', '2301010000000']) {
      refused(unsigned({ validity: validity(utc(text), utc('300101000000Z')) }), text);
    }
    refused(
      unsigned({ validity: validity(rawElement(0x04, Buffer.from('230101000000Z')), utc('300101000000Z')) }),
      'no time',
    );
  });

  it('writes serial numbers as OpenSSL does', () => {
    const serial = (hex: string): string =>
      described(unsigned({ serial: rawElement(0x02, Buffer.from(hex, 'hex')) })).serialNumber;
    assert.equal(serial('05'), '05');
    assert.equal(serial('00ff'), 'FF');
    assert.equal(serial('00'), '00');
    assert.equal(serial('0abc'), '0ABC');
    assert.equal(serial('80'), '-80');
    assert.equal(serial('ff'), '-01');
    assert.equal(serial('ff7f'), '-81');
    for (const wrong of ['', '0001', 'ff80']) {
      refused(unsigned({ serial: rawElement(0x02, Buffer.from(wrong, 'hex')) }), `serial ${wrong}`);
    }
  });

  it('reads every string type, and what is none as hexadecimal', () => {
    const name = (tag: number, hex: string): string | undefined =>
      described(unsigned({ subject: commonName(rawElement(tag, Buffer.from(hex, 'hex'))) })).subject[0]?.[0]?.value;
    assert.equal(name(0x0c, 'c3a9'), 'é');
    assert.equal(name(0x13, '4162'), 'Ab');
    assert.equal(name(0x16, '4140'), 'A@');
    assert.equal(name(0x14, 'e9'), 'é');
    assert.equal(name(0x1e, '00e9d83dde00'), 'é😀');
    assert.equal(name(0x1c, '000000e90001f600'), 'é😀');
    assert.equal(name(0x04, 'aabb'), '#0402aabb');
    assert.equal(name(0x0c, 'ff'), '\ufffd');
    assert.equal(name(0x1e, 'd800'), '\ufffd');
    assert.equal(name(0x1c, 'ffffffff'), '\ufffd');
    for (const [tag, hex] of [
      [0x1e, '00'],
      [0x1c, '000000'],
    ] as const) {
      refused(unsigned({ subject: commonName(rawElement(tag, Buffer.from(hex, 'hex'))) }), 'part of a character');
    }
  });

  it('keeps relative names of several attributes together and knows types by name or number', () => {
    const attribute = (type: Structure): Structure => sequence(type, rawElement(0x13, Buffer.from('x')));
    const [department, component] = [identifier('2.5.4.11'), identifier('0.9.2342.19200300.100.1.25')];
    // A UUID as an object identifier: its last number takes more than 64 bits.
    const uuid = rawElement(6, Buffer.from('6983f09da7ebcfdee0c7a1a7b2c0948cc8f9d776', 'hex'));
    const subject = sequence(setOf(attribute(department), attribute(component)), setOf(attribute(uuid)));
    const types = described(unsigned({ subject })).subject.map((attributes) =>
      attributes.map(({ type }) => type).sort(),
    );
    assert.deepEqual(types, [['DC', 'OU'], ['2.25.329800735698586629295641978511506172918']]);
    assert.deepEqual(described(unsigned({ subject: sequence() })).subject, []);
    refused(unsigned({ subject: sequence(setOf()) }), 'a relative name without attributes');
  });

  it('counts the bits of an RSA modulus', () => {
    const bitsOf = (hex: string): number | null =>
      described(
        unsigned({ publicKey: rsaKey(sequence(rawElement(2, Buffer.from(hex, 'hex')), rawElement(2, Buffer.of(3)))) }),
      ).keyBits;
    assert.equal(bitsOf('01'), 1);
    assert.equal(bitsOf(`00${'80'.padEnd(256, '0')}`), 1024);
    assert.equal(bitsOf('7f'.padEnd(256, '0')), 1023);
    for (const hex of ['00', '80', '', '0001']) {
      refused(
        unsigned({ publicKey: rsaKey(sequence(rawElement(2, Buffer.from(hex, 'hex')), rawElement(2, Buffer.of(3)))) }),
        `modulus ${hex}`,
      );
    }
    refused(unsigned({ publicKey: rsaKey(sequence(rawElement(2, Buffer.of(7)))) }), 'no exponent');
  });

  it('tells other keys and unknown algorithms', () => {
    const publicKey = sequence(
      sequence(identifier('1.2.840.10045.2.1'), identifier('1.2.840.10045.3.1.7')),
      bits(Buffer.alloc(65, 4)),
    );
    const facts = described(unsigned({ publicKey, signatureAlgorithm: sequence(identifier('1.2.3.999')) }));
    assert.equal(facts.keyAlgorithm, 'other');
    assert.equal(facts.keyBits, null);
    assert.equal(facts.signatureAlgorithm, '1.2.3.999');
  });

  it('takes version 1, unique identifiers and extensions, and refuses what is malformed in them', () => {
    const extensions = (...list: Structure[]): Structure => explicit(3, sequence(...list));
    const extension = sequence(identifier('1.2.3'), octets(Buffer.of(1)));
    const uniqueId = rawElement(0x81, Buffer.of(0, 1));
    described(unsigned({ version: [] }));
    described(unsigned({ rest: [uniqueId, extensions(extension)] }));
    refused(unsigned({ version: [explicit(0, rawElement(2, Buffer.of(3)))] }), 'version 4');
    refused(unsigned({ rest: [extensions()] }), 'an empty list of extensions');
    refused(unsigned({ rest: [extensions(extension), uniqueId] }), 'wrong order');
    refused(unsigned({ rest: [extensions(sequence(identifier('1.2.3')))] }), 'an extension without a value');
    refused(unsigned({ signature: bits(Buffer.of()) }), 'an empty signature');
    refused(unsigned({ signature: bits(Buffer.of(1), 8) }), 'eight unused bits');
  });

  it('does not spend long on an object identifier without an end', () => {
    const endless = rawElement(6, Buffer.alloc(60_000, 0xff));
    refused(unsigned({ signatureAlgorithm: sequence(endless) }), 'an endless object identifier');
  });
});
