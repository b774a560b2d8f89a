import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { withFolder } from '../certificate/support.ts';
import {
  actionsOf,
  assertPfxHolds,
  mutation,
  type RegisteredEntry,
  reaching,
  readConsistentPair,
  readEntries,
} from './command-line.ts';
import { type Lab, readPairIndependently, resetUser, startLab, writePair } from './lab.ts';
import { blobOf, daysFromNow, md5, seedCertificates } from './seeds.ts';

describe('The command renews', () => {
  let lab: Lab;
  before(async () => {
    lab = await startLab();
  });
  for (const when of [beforeEach, afterEach]) when(() => resetUser(lab, 'alice'));

  const certificate = (subject: string, from: number, to: number) => ({
    subject,
    notBefore: daysFromNow(from),
    notAfter: daysFromNow(to),
  });

  it('exactly the broken ones, and their digests go with them', () =>
    withFolder(async (folder) => {
      const certificates = await seedCertificates(folder, [
        certificate('[CORP/alice, EXPIRED]', -400, -1),
        certificate('[CORP/alice, NO-DIGEST]', -10, 400),
        certificate('[CORP/alice, SOUND]', -10, 400),
        certificate('[CORP/alice, WRONG-DIGEST]', -10, 400),
        certificate('[CORP/alice, ENDING]', -10, 10),
        certificate('[CORP/alice, TOO-EARLY]', 10, 400),
        certificate('a certificate of something else', -10, 400),
        certificate('[CORP/alice, SPARED]', -400, -1),
        certificate('[CORP/alice, SPARED]', -10, 400),
      ]);
      const wrong = randomBytes(16);
      const orphan = randomBytes(16);
      const entries = certificates.map((each, index) => ({
        certificate: each,
        digest: index === 3 ? wrong : md5(each),
      }));
      const digests = entries.map(({ digest }) => digest).filter((_, index) => index !== 1);
      const blob = blobOf(entries);
      await writePair(lab, 'alice', { blob, digests: [...digests, orphan] });
      const before = await readEntries(blob);

      const words = ['--out', folder, ...reaching(lab)];
      const result = await mutation(['renew', 'alice', '--broken', ...words]);
      assert.equal(result.code, 0, result.stderr);
      assert.deepEqual(
        actionsOf(result)
          .filter((action) => !action.endsWith(' unchanged'))
          .sort(),
        ['EXPIRED replaced', 'NO-DIGEST replaced', 'SPARED removed', 'TOO-EARLY replaced', 'WRONG-DIGEST replaced'],
      );

      const after = await readPairIndependently(lab, 'alice');
      const now = await readEntries(after.blob ?? Buffer.alloc(0));
      const kept = [2, 4, 6, 8].map((index) => before[index]);
      assert.deepEqual(fingerprints(now.slice(0, 4)), fingerprints(kept));
      assert.deepEqual(
        now
          .slice(4)
          .map(({ machine }) => machine)
          .sort(),
        ['EXPIRED', 'NO-DIGEST', 'TOO-EARLY', 'WRONG-DIGEST'],
      );
      const expected = [...now.map(({ md5 }) => md5), orphan.toString('hex')];
      assert.deepEqual(after.digests.map((digest) => digest.toString('hex')).sort(), expected.sort());
      for (const { action, digest, files } of result.results) {
        if (action !== 'replaced') continue;
        const entry = now.find((each) => each.digest === digest);
        assert.ok(entry !== undefined && files?.passphrase);
        await assertPfxHolds(files.pfx, files.passphrase, entry.certificate);
      }

      const again = await mutation(['renew', 'alice', '--broken', '--detailed-exitcode', ...words]);
      assert.deepEqual([again.code, again.changed, again.summary.added], [0, false, 0]);
    }));

  it('those that end soon, and leaves the others alone', () =>
    withFolder(async (folder) => {
      const certificates = await seedCertificates(folder, [
        certificate('[CORP/alice, LONG]', -10, 32),
        certificate('[CORP/alice, SHORT]', -10, 28),
        certificate('[CORP/alice, EXPIRED]', -10, -1),
        certificate('a certificate of something else', -10, 5),
      ]);
      const entries = certificates.map((each) => ({ certificate: each, digest: md5(each) }));
      await writePair(lab, 'alice', { blob: blobOf(entries), digests: entries.map(({ digest }) => digest) });
      const before = await readConsistentPair(lab, 'alice');

      const words = ['renew', 'alice', '--expiring-within', '30d', '--detailed-exitcode', '--out', folder];
      const result = await mutation([...words, ...reaching(lab)]);
      assert.equal(result.code, 10, result.stderr);
      assert.deepEqual(actionsOf(result).sort(), ['EXPIRED replaced', 'LONG unchanged', 'SHORT replaced']);
      const after = await readConsistentPair(lab, 'alice');
      assert.deepEqual(fingerprints(after.slice(0, 2)), fingerprints([before[0], before[3]]));
      assert.deepEqual(
        after
          .slice(2)
          .map(({ machine }) => machine)
          .sort(),
        ['EXPIRED', 'SHORT'],
      );

      const again = await mutation([...words, ...reaching(lab)]);
      assert.deepEqual([again.code, again.changed], [0, false]);
    }));
});

/** What tells the bytes of entries apart, wherever in the blob they stand. */
function fingerprints(entries: (RegisteredEntry | undefined)[]): (string | undefined)[] {
  return entries.map((entry) => entry && md5(entry.raw).toString('hex'));
}
