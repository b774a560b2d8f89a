import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type PostgresLab, startPostgres } from '../../support/postgres-lab.ts';
import { runMsmqCert } from '../msmq-cert.ts';

const fixture = fileURLToPath(new URL('../../fixtures/demo.ldif', import.meta.url));
const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
const [, chapter = ''] = readme.split('\n## Many machines\n');

/** The commands of one of the chapter's blocks, by a word that is in it, in the order in which they stand there. */
function commandsWith(word: string): string[] {
  const blocks = chapter.split('\n## ')[0]?.match(/(?:^ {4}.*\n)+/gm) ?? [];
  const [block] = blocks.filter((each) => each.includes(word));
  assert.ok(block !== undefined, `no block with ${word}`);
  return [...block.matchAll(/^ {4}msmq-cert (.*?)(?: +#.*)?$/gm)].map(([, line = '']) => line);
}

const EXAMPLE_RUN = '0f1e2d3c-4b5a-4697-8879-6a5b4c3d2e1f';

describe('The chapter of the README about many machines', () => {
  let cwd: string;
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'msmq-cert-many-'));
    cpSync(fixture, join(cwd, 'users.ldif'));
    writeFileSync(join(cwd, 'fleet.csv'), 'user,machine\nalice,PC-1\nbob,PC-1\nbob,PC-2\ncarol,PC-1\n');
  });
  afterEach(() => rmSync(cwd, { recursive: true }));

  const env = { MSMQ_CERT_DIRECTORY: 'ldif:users.ldif', MSMQ_CERT_BASE_DN: 'DC=corp,DC=example' };
  async function succeed(line: string, more: Record<string, string> = {}): Promise<string> {
    const { code, stdout, stderr } = await runMsmqCert(line.split(' '), { cwd, env: { ...env, ...more } });
    assert.equal(code, 0, `${line}: ${stderr}`);
    return stdout;
  }

  it('registers each pair once with its two shards', async () => {
    const [first = '', second = '', ...others] = commandsWith('--shard');
    assert.deepEqual(others, []);
    const added = [await succeed(`${first} --json`), await succeed(`${second} --json`)].map(
      (said) => JSON.parse(said).summary.added,
    );
    assert.equal(added[0] + added[1], 4);
    assert.match(await succeed('list bob'), /CORP\\bob {2}4 certificates/);
  });

  describe('with a database', () => {
    let lab: PostgresLab;
    before(async () => {
      lab = await startPostgres();
    });
    after(async () => {
      await lab?.stop();
    });

    it('leads, line by line as they are printed, to a run that is carried out and taken back', async () => {
      const lines = commandsWith('queue submit');
      assert.equal(lines.length, 7);
      const before = await succeed('list alice bob carol');
      const queue = { MSMQ_CERT_DATABASE: lab.connectionStrings.socket };
      let id = EXAMPLE_RUN;
      const said: string[] = [];
      for (const line of lines) {
        said.push(await succeed(line.replace(EXAMPLE_RUN, id), queue));
        id = /^run: (\S+)$/m.exec(said[1] ?? '')?.[1] ?? id;
      }
      assert.match(said[3] ?? '', /3 of 3 users done[\s\S]*certificates: 4 added/);
      assert.match(said[4] ?? '', /no job failed for good/);
      assert.equal(readdirSync(join(cwd, 'worker-1', 'CORP_bob')).length, 2);
      assert.equal(await succeed('list alice bob carol'), before);
    });
  });
});
