import assert from 'node:assert/strict';
import { type Lab, readPairIndependently, resetUser, runAdLab, startLab, writePair } from './lab.ts';

describe('the lab with two domain controllers', () => {
  let lab: Lab;
  before(async function () {
    this.timeout(180_000);
    lab = await startLab({ dcs: 2 });
  });
  afterEach(async () => {
    await adLab('resume');
    await resetUser(lab, 'alice');
    await adLab('replicate');
  });

  async function adLab(...words: string[]): Promise<void> {
    await runAdLab([...words, '--dir', lab.dir]);
  }

  async function write(dc: number, text: string): Promise<void> {
    await writePair(lab, 'alice', { blob: Buffer.from(text), digests: [] }, { url: lab.dcs[dc]?.url });
  }

  async function blobs(): Promise<(string | undefined)[]> {
    const pairs = await Promise.all(lab.dcs.map(({ url }) => readPairIndependently(lab, 'alice', { url })));
    return pairs.map(({ blob }) => blob?.toString());
  }

  it('replicates both ways', async () => {
    assert.deepEqual(
      lab.dnsServers,
      lab.dcs.map(({ ip }) => ip),
    );
    await write(0, 'from dc1');
    await adLab('replicate');
    assert.deepEqual(await blobs(), ['from dc1', 'from dc1']);
    await write(1, 'from dc2');
    await adLab('replicate');
    assert.deepEqual(await blobs(), ['from dc2', 'from dc2']);
  });

  it('keeps the domain controllers apart while paused, within reach of the client', async () => {
    await adLab('pause');
    await write(0, 'from dc1');
    await assert.rejects(adLab('replicate'), /drs replicate failed/);
    assert.deepEqual(await blobs(), ['from dc1', undefined]);
    await adLab('resume');
    await adLab('replicate');
    assert.deepEqual(await blobs(), ['from dc1', 'from dc1']);
  });

  it('stops and starts one domain controller', async () => {
    await adLab('stop-dc', '2');
    await write(0, 'from dc1');
    await assert.rejects(write(1, 'from dc2'), /Can't contact LDAP server/);
    await adLab('start-dc', '2');
    await adLab('replicate');
    assert.deepEqual(await blobs(), ['from dc1', 'from dc1']);
  });
});
