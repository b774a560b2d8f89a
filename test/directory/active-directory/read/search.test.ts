import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Attribute, BerReader, BerWriter, SearchEntry } from 'ldapts';
import { readBytes, readPair, type Search } from '../../../../src/directory/active-directory/read/search.ts';

/** What a server holds, and how many values of an attribute it hands out at a time. */
interface Holding {
  attributes: Record<string, Buffer[]>;
  pageSize: number;
  /** How the server spells the names, whatever was asked for. */
  spell?: (name: string) => string;
}

/** Answers as Windows does, and decodes the answer with ldapts itself, its habit of making text of bytes included. */
function windowsSearch({ attributes, pageSize, spell = (name) => name }: Holding): {
  search: Search;
  asked: string[][];
} {
  const asked: string[][] = [];
  const search: Search = async (base, { attributes: names = [], explicitBufferAttributes = [] }) => {
    asked.push(names);
    if (base !== 'CN=alice') return [];
    const sent = names.flatMap((name) => answerTo(name, attributes, pageSize));
    const entry = new SearchEntry({
      messageId: 1,
      name: base,
      attributes: sent.map(([name, values]) => parsed(spell(name), values)),
    });
    return [entry.toObject(names, explicitBufferAttributes)];
  };
  return { search, asked };
}

function answerTo(name: string, attributes: Holding['attributes'], pageSize: number): [string, Buffer[]][] {
  const [, type = '', start = '0'] = /^(.*?)(?:;range=(\d+)-\*)?$/.exec(name) ?? [];
  const values = attributes[type] ?? [];
  const from = Number(start);
  if (values.length === 0) return [];
  if (!name.includes(';range=') && values.length <= pageSize) return [[type, values]];
  const last = from + pageSize >= values.length;
  const page: [string, Buffer[]] = [
    `${type};range=${from}-${last ? '*' : from + pageSize - 1}`,
    values.slice(from, from + pageSize),
  ];
  return name.includes(';range=') ? [page] : [[type, []], page];
}

function parsed(type: string, values: Buffer[]): Attribute {
  const writer = new BerWriter();
  new Attribute({ type, values }).write(writer);
  const attribute = new Attribute();
  attribute.parse(new BerReader(writer.buffer));
  return attribute;
}

const asText = () => Buffer.from('sixteen letters!');
const digests = (count: number) =>
  Array.from({ length: count }, (_, index) => Buffer.from(index.toString(16).padStart(16, '0')));

describe('reading the pair', () => {
  it('reads nothing as nothing', async () => {
    const { search } = windowsSearch({ attributes: {}, pageSize: 1500 });
    assert.deepEqual(await readPair(search, 'CN=alice'), { blob: null, digests: [] });
  });

  it('says when there is no such entry', async () => {
    const { search } = windowsSearch({ attributes: {}, pageSize: 1500 });
    assert.equal(await readPair(search, 'CN=nobody'), null);
  });

  it('keeps the bytes of values that look like text, a byte order mark included', async () => {
    const blob = Buffer.from('\ufeffthe blob is text');
    const attributes = { mSMQSignCertificates: [blob], mSMQDigests: [asText()] };
    const { search } = windowsSearch({ attributes, pageSize: 1500 });
    assert.deepEqual(await readPair(search, 'CN=alice'), { blob, digests: [asText()] });
  });

  it('keeps them when the server spells the names in its own way', async () => {
    const attributes = { mSMQSignCertificates: [asText()], mSMQDigests: digests(4) };
    const { search } = windowsSearch({ attributes, pageSize: 2, spell: (name) => name.toUpperCase() });
    assert.deepEqual(await readPair(search, 'CN=alice'), { blob: asText(), digests: digests(4) });
  });

  it('reads 3,001 digests from a server that hands out 1,500, in three searches', async () => {
    const attributes = { mSMQDigests: digests(3001), mSMQSignCertificates: [asText()] };
    const { search, asked } = windowsSearch({ attributes, pageSize: 1500 });
    assert.deepEqual(await readPair(search, 'CN=alice'), { blob: asText(), digests: digests(3001) });
    assert.deepEqual(asked.slice(1), [['mSMQDigests;range=1500-*'], ['mSMQDigests;range=3000-*']]);
  });

  it('reads any number of values whatever the page size', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 16, maxLength: 16 }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 12 }),
      async (values, pageSize) => {
        const held = values.map((value) => Buffer.from(value));
        const { search } = windowsSearch({ attributes: { mSMQDigests: held }, pageSize });
        assert.deepEqual(await readPair(search, 'CN=alice'), { blob: null, digests: held });
      },
    );
    await fc.assert(property);
  });

  it('says so when the entry vanishes between two pages', async () => {
    const { search } = windowsSearch({ attributes: { mSMQDigests: digests(5) }, pageSize: 2 });
    const vanishing: Search = async (base, options) =>
      options.attributes?.includes('mSMQDigests') ? search(base, options) : [];
    assert.equal(await readPair(vanishing, 'CN=alice'), null);
  });

  it('refuses a page that holds another number of values than it says', async () => {
    const short: Search = async () => [{ dn: 'CN=alice', mSMQDigests: [], 'mSMQDigests;range=0-1499': digests(2) }];
    await assert.rejects(readPair(short, 'CN=alice'), { code: 'directory-error' });
  });
});

describe('reading bytes', () => {
  it('asks again for a name that only the server knew', async () => {
    const { search, asked } = windowsSearch({ attributes: { cn: [asText()] }, pageSize: 1500, spell: () => 'CN' });
    assert.deepEqual((await readBytes(search, 'CN=alice', ['cn']))?.get('CN'), [asText()]);
    assert.equal(asked.length, 2);
  });
});

describe('a directory that never comes to an end', () => {
  it('is given up on when it names another attribute each time', async () => {
    let asked = 0;
    const search: Search = async () => [{ dn: 'CN=alice', [`mSMQDigests;x-${asked++}`]: 'text' }];
    await assert.rejects(readBytes(search, 'CN=alice', ['mSMQDigests']), {
      code: 'directory-error',
      message: /names other attributes each time, such as "mSMQDigests;x-4"/,
    });
    assert.equal(asked, 5);
  });

  /** Hands out ranges of `size` values for ever. */
  function endless(size: number, timeoutMs?: number) {
    const counter = { asked: 0 };
    const search = async (_base: string, { attributes = [] }: Parameters<Search>[1]) => {
      counter.asked++;
      const from = Number(/range=(\d+)/.exec(attributes.join())?.[1] ?? 0);
      const values = Array.from({ length: size }, () => Buffer.alloc(16));
      return [{ dn: 'CN=alice', [`mSMQDigests;range=${from}-${from + size - 1}`]: values }];
    };
    return { search: Object.assign(search, timeoutMs !== undefined && { timeoutMs }), counter };
  }

  for (const [size, mostAsked] of [
    [2, 1001],
    [30_000, 10],
  ] as const) {
    it(`is given up on when it has ever more values, ${size} at a time`, async () => {
      const { search, counter } = endless(size);
      await assert.rejects(readPair(search, 'CN=alice'), {
        code: 'directory-error',
        message: /in pieces and has more/,
      });
      assert.ok(counter.asked <= mostAsked, `asked ${counter.asked} times`);
    });
  }

  it('is given up on when the time for the whole entry is over, though each answer comes in time', async () => {
    const { search, counter } = endless(2, -1);
    await assert.rejects(readPair(search, 'CN=alice'), { code: 'directory-timeout', message: /in time/ });
    assert.ok(counter.asked <= 2);
  });
});
