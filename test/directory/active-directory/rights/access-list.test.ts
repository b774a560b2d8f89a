import assert from 'node:assert/strict';
import fc from 'fast-check';
import { identifierBytes } from '../../../../src/blob/identifier.ts';
import { listAllows, readAccessList } from '../../../../src/directory/active-directory/rights/access-list.ts';
import { sidBytes } from '../../../../src/directory/names.ts';
import { MsmqCertError } from '../../../../src/errors.ts';

const READ = 0x10;
const WRITE = 0x20;
const INHERIT_ONLY = 0x08;
const EVERYONE = 'S-1-1-0';
const ALICE = 'S-1-5-21-1-2-3-1104';
const attribute = {
  schemaId: '9a0dc33c-c100-11d1-bbc5-0080c76670c0',
  propertySet: '77b5b886-944a-11d1-aebd-0000f80367c1',
};
const userClass = 'bf967aba-0de6-11d0-a285-00aa003049e2';

interface Ace {
  type: number;
  sid: string;
  mask?: number;
  flags?: number;
  object?: string;
  inheritedObject?: string;
}

function ace({ type, sid, mask = READ, flags = 0, object, inheritedObject }: Ace): Buffer {
  const guids = [object, inheritedObject].flatMap((guid) => (guid === undefined ? [] : [identifierBytes(guid)]));
  const present = Buffer.alloc(type >= 5 ? 4 : 0);
  if (type >= 5) present.writeUInt32LE(Number(object !== undefined) + 2 * Number(inheritedObject !== undefined));
  const head = Buffer.alloc(8);
  const body = Buffer.concat([present, ...guids, sidBytes(sid)]);
  head.writeUInt8(type, 0);
  head.writeUInt8(flags, 1);
  head.writeUInt16LE(8 + body.length, 2);
  head.writeUInt32LE(mask >>> 0, 4);
  return Buffer.concat([head, body]);
}

/** A self-relative descriptor with nothing in it but the list. */
function descriptor(...aces: Ace[]): Buffer {
  const entries = aces.map(ace);
  const head = Buffer.alloc(28);
  head.writeUInt8(1, 0);
  head.writeUInt16LE(0x8004, 2);
  head.writeUInt32LE(20, 16);
  head.writeUInt8(4, 20);
  head.writeUInt16LE(8 + Buffer.concat(entries).length, 22);
  head.writeUInt16LE(entries.length, 24);
  return Buffer.concat([head, ...entries]);
}

function allows(sids: string[], ...aces: Ace[]): boolean {
  return listAllows(readAccessList(descriptor(...aces)), attribute, new Set(sids));
}

describe('an access control list', () => {
  it('allows nothing by itself', () => {
    assert.equal(allows([ALICE]), false);
    assert.equal(allows([ALICE], { type: 0, sid: 'S-1-5-32-544' }), false);
  });

  it('allows all attributes, one, or a property set', () => {
    assert.equal(allows([ALICE], { type: 0, sid: ALICE }), true);
    assert.equal(allows([ALICE], { type: 5, sid: ALICE }), true);
    assert.equal(allows([ALICE], { type: 5, sid: ALICE, object: attribute.schemaId }), true);
    assert.equal(
      allows([ALICE], { type: 5, sid: ALICE, object: attribute.propertySet, inheritedObject: userClass }),
      true,
    );
    assert.equal(allows([ALICE], { type: 5, sid: ALICE, object: userClass }), false);
    assert.equal(allows([ALICE], { type: 0, sid: ALICE, mask: 0x80000000 }), true);
  });

  it('goes by the first entry about the attribute and one of the names', () => {
    const deny: Ace = { type: 6, sid: EVERYONE, object: attribute.schemaId };
    const allow: Ace = { type: 0, sid: ALICE };
    assert.equal(allows([ALICE, EVERYONE], deny, allow), false);
    assert.equal(allows([ALICE, EVERYONE], allow, deny), true);
    assert.equal(allows([ALICE], deny, allow), true);
  });

  it('passes over entries for other rights and for objects below', () => {
    assert.equal(allows([ALICE], { type: 0, sid: ALICE, mask: WRITE }), false);
    assert.equal(allows([ALICE], { type: 0, sid: ALICE, flags: INHERIT_ONLY }), false);
    assert.equal(allows([ALICE], { type: 2, sid: ALICE }), false);
  });

  it('allows everything when there is none', () => {
    const none = descriptor();
    none.writeUInt16LE(0x8000, 2);
    assert.equal(listAllows(readAccessList(none), attribute, new Set()), true);
  });

  it('is read or refused with an error of ours, whatever its bytes are', () => {
    const whole = descriptor({ type: 0, sid: ALICE }, { type: 6, sid: EVERYONE, object: attribute.schemaId });
    const mutation = fc.record({ at: fc.nat(whole.length - 1), by: fc.nat(255) });
    let refused = 0;
    fc.assert(
      fc.property(fc.array(mutation, { maxLength: 6 }), fc.nat(whole.length), (mutations, length) => {
        const mutated = Buffer.from(whole);
        for (const { at, by } of mutations) mutated[at] = by;
        for (const bytes of [mutated, mutated.subarray(0, length)]) {
          try {
            readAccessList(bytes);
          } catch (error) {
            refused++;
            assert.ok(error instanceof MsmqCertError, `${error}`);
            assert.equal(error.code, 'directory-error');
          }
        }
      }),
      { numRuns: 3000 },
    );
    assert.ok(refused > 1000, `${refused} were refused`);
  });
});
