import assert from 'node:assert/strict';
import { md5 } from '../../src/blob/digest.ts';
import type { Pair } from '../../src/blob/pair.ts';
import type { Directory, Listing } from '../../src/directory/directory.ts';
import { verify } from '../../src/inspect/verify.ts';
import { certificate, pairOf } from '../judge/trouble.ts';
import { alice } from '../plan/states.ts';
import { directoryOf } from './in-memory.ts';

const bob = { ...alice, account: 'CORP\\bob', dn: 'CN=Bob,DC=corp,DC=example', sid: 'S-1-5-21-1-2-3-1105' };
const hers = certificate({ commonName: 'hers' });
const other = certificate({ commonName: 'other' });
const none: Pair = { blob: null, digests: [] };

const reasonsOf = async (directory: Directory & Listing, sender: string | null) =>
  (await verify(directory, hers, sender, null)).reasons.join('\n');

describe('what a receiver finds', () => {
  it('is one user by both ways: accepted', async () => {
    const found = await verify(
      directoryOf([
        [alice, pairOf([other, hers])],
        [bob, none],
      ]),
      hers,
      'alice',
      null,
    );
    assert.deepEqual([found.accepted, found.byDigest, found.bySid], [true, alice, alice]);
    assert.equal((await verify(directoryOf([[alice, pairOf([hers])]]), hers, null, null)).accepted, true);
  });

  it('is nobody by the digest, though the certificate is there', async () => {
    const torn = { ...pairOf([hers]), digests: [] };
    assert.match(await reasonsOf(directoryOf([[alice, torn]]), 'alice'), /^by digest: no object in the forest has /);
  });

  it('is no equal certificate, though the digest is there', async () => {
    const torn = { blob: pairOf([other]).blob, digests: [md5(hers)] };
    assert.equal(
      await reasonsOf(directoryOf([[alice, torn]]), 'alice'),
      'by SID: none of the 1 certificate of CORP\\alice equals this one byte for byte',
    );
  });

  it('is two users, or another one than the sender', async () => {
    const twice = directoryOf([
      [alice, pairOf([hers])],
      [bob, pairOf([hers])],
    ]);
    assert.match(await reasonsOf(twice, 'alice'), /^by digest: 2 objects .* must be one: CORP\\alice, CORP\\bob$/);
    const bobs = directoryOf([
      [alice, none],
      [bob, pairOf([hers])],
    ]);
    assert.match(await reasonsOf(bobs, 'alice'), /belongs to CORP\\bob, whose SID is not that of CORP\\alice/);
  });

  it('is nothing for a sender whom nobody knows, or whose blob nobody can read', async () => {
    const directory = directoryOf([[alice, { blob: Buffer.from([9]), digests: [md5(hers)] }]]);
    assert.match(await reasonsOf(directory, 'S-1-5-21-9'), /by SID: there is no user S-1-5-21-9/);
    assert.match(await reasonsOf(directory, 'alice'), /^by SID: /);
  });
});
