import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { command, quoted, quotedForPosix, setCommonOptions } from '../src/advice.ts';
import { harmless } from '../src/visible.ts';
import { wordsThatArrive } from './shell.ts';

const hostile = [
  'alice',
  'CORP\\alice',
  'CORP\\al ice',
  "CORP\\o'hara",
  'CORP\\"quoted"',
  '$(touch reboot)',
  '`touch reboot`',
  '$HOME',
  'a;touch b',
  'a|b&c>d<e',
  '~root',
  '*',
  '{a,b}',
  '!!',
  '#comment',
  '%PATH%',
  'trailing\\',
  '',
  'CORP\\ümläut',
  '=cmd',
];

const unseen = [
  'two\nlines',
  'tab\there',
  '\u001b]0;title\u0007',
  '\u202Egnp.exe',
  'no\u00a0break',
  "quote'\n\\",
  'end\n',
];

describe('A printed command', () => {
  afterEach(() => setCommonOptions([]));

  for (const shell of ['sh', 'bash'] as const) {
    it(`brings hostile words through ${shell} as they are`, () => {
      const line = command('prune', hostile, ['--digest', 'x y']);
      assert.deepEqual(wordsThatArrive(line, shell), ['prune', ...hostile, '--digest', 'x y']);
    });
  }

  it('spells out what cannot be seen, so that a line stays one harmless line', () => {
    const line = command('prune', unseen);
    assert.equal(harmless(line), line);
    assert.deepEqual(wordsThatArrive(line), ['prune', ...unseen]);
  });

  it('brings any text through bash', () => {
    const word = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0') && text.isWellFormed());
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), (words) => {
        const line = `msmq-cert ${words.map((each) => quotedForPosix(each)).join(' ')}`;
        assert.equal(harmless(line), line);
        assert.deepEqual(wordsThatArrive(line), words);
      }),
      { numRuns: 30 },
    );
  });

  it('leaves plain words as they are', () => {
    for (const word of [
      'alice',
      '--directory',
      'ldaps://dc1.corp.example:636',
      'OU=Staff,DC=corp',
      'ldif:users.ldif',
      '30d',
    ])
      assert.equal(quotedForPosix(word), word);
  });

  it('never lets a name pass for an option', () => {
    const line = command('prune', ['-x', '--yes'], ['--machine', '-pc'], '--expired');
    assert.deepEqual(wordsThatArrive(line), ['prune', '--machine=-pc', '--expired', '--', '-x', '--yes']);
  });

  it('takes along what leads to the directory', () => {
    setCommonOptions([
      ['--directory', 'ldif:my users.ldif'],
      ['--bind', 'CORP\\provisioner'],
    ]);
    assert.deepEqual(wordsThatArrive(command('repair', ['CORP\\alice'])), [
      ...['repair', 'CORP\\alice', '--directory', 'ldif:my users.ldif', '--bind', 'CORP\\provisioner'],
    ]);
  });
});

describe('A command printed on Windows', () => {
  const expected: [word: string, form: string][] = [
    ['CORP\\alice', 'CORP\\alice'],
    ['CORP\\al ice', '"CORP\\al ice"'],
    ['CORP\\PC$', '"CORP\\PC$"'],
    ['C:\\my files\\', '"C:\\my files\\\\"'],
    ['a&b|c', '"a&b|c"'],
    ["o'hara", '"o\'hara"'],
    ['OU=Staff,DC=corp', '"OU=Staff,DC=corp"'],
    ['', '""'],
    ['--dry-run', '--dry-run'],
    ['--machine=-a.b', '"--machine=-a.b"'],
  ];
  for (const [word, form] of expected) {
    it(`has ${word === '' ? 'the empty word' : word} as ${form}`, () => assert.equal(quoted(word, 'win32'), form));
  }

  it('has a gap where cmd and PowerShell have no form in common', () => {
    for (const word of ['%PATH%', '$(reboot)', '`x', 'a"b', 'a\u201db', 'a\nb', '\u202e'])
      assert.match(quoted(word, 'win32'), /^<a word/);
  });
});
