import assert from 'node:assert/strict';
import { appendFile, chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeNamed } from '../../src/journal/find.ts';
import { beginJournal, type Journal, resumeJournal } from '../../src/journal/write.ts';
import type { KeySettingsRecord } from '../../src/plan/request.ts';

const keys: KeySettingsRecord = {
  out: 'keys',
  keySize: 2048,
  hash: 'sha256',
  validFor: 1000,
  pfxEncryption: 'TripleDES_SHA1',
  passphraseFile: null,
  maxCertificates: 820,
  subjects: [],
  machinesOf: {},
};

const goingOn = { server: 'users.ldif', delivers: false };

describe('taking up a journal', () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'msmq-cert-test-'));
    path = join(folder, 'run.ndjson');
    const request = { verb: 'register', mode: 'if-not-exists' } as const;
    const header = {
      request,
      targets: [],
      keys,
      directory: 'ldif:users.ldif',
      server: 'users.ldif',
      bind: null,
      delivers: false,
    };
    await (await beginJournal(path, header)).close();
  });

  afterEach(() => rm(folder, { recursive: true }));

  const resume = async (): Promise<Journal> => resumeJournal(await takeNamed(path, () => {}), goingOn);

  it('goes on after the last whole line', async () => {
    const whole = await readFile(path, 'utf8');
    await appendFile(path, '{"type":"intent","at":"20');
    await (await resume()).close();
    const [resumed, ...more] = (await readFile(path, 'utf8')).slice(whole.length).trimEnd().split('\n');
    assert.equal(JSON.parse(resumed ?? '').type, 'resumed');
    assert.deepEqual(more, []);
    assert.ok((await readFile(path, 'utf8')).startsWith(whole));
  });

  it('lets one of several go on that want it at the same time, and takes nothing from that one', async () => {
    const outcomes = await Promise.allSettled([resume(), resume(), resume()]);
    const journals = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []));
    assert.deepEqual([journals.length, refused], [1, ['file-locked', 'file-locked']]);
    await journals[0]?.close();
    const records = (await readFile(path, 'utf8')).trimEnd().split('\n');
    assert.deepEqual(
      records.map((record) => JSON.parse(record).type),
      ['run', 'targets-complete', 'resumed'],
    );
  });

  it('refuses one that another account could have written', async () => {
    await chmod(path, 0o666);
    await assert.rejects(resume(), { code: 'untrusted-path' });
  });
});
