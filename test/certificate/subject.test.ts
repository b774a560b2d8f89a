import assert from 'node:assert/strict';
import fc from 'fast-check';
import { issueCertificate } from '../../src/certificate/issue.ts';
import { parseMachine } from '../../src/certificate/machine.ts';
import {
  DEFAULT_SUBJECT,
  formatName,
  type Owner,
  parseSubjectTemplate,
  readSubject,
  subjectFor,
} from '../../src/certificate/subject.ts';
import { describeCertificate } from '../../src/certificate/x509/describe.ts';
import { issueRequest } from './support.ts';

const byDefault = parseSubjectTemplate(DEFAULT_SUBJECT);
const alice: Owner = { account: 'CORP\\alice', machine: 'PC-1' };

/** Characters that mean something in a name, a template, a regular expression or a path, and some that are not ASCII. */
const awkward = fc.constantFrom(...', +"\\<>;=#[]{}()/.*^$|?-_\'@aZ09éß漢😀\u202e');
const account = fc
  .tuple(fc.stringMatching(/^[A-Z][A-Z0-9-]{0,14}$/), fc.string({ unit: awkward, minLength: 1, maxLength: 20 }))
  .map(([domain, user]) => `${domain}\\${user}`);
const machine = fc.string({ unit: awkward, minLength: 1, maxLength: 15 }).filter((name) => {
  try {
    return parseMachine(name) === name;
  } catch {
    return false;
  }
});
const owner = fc.record({ account, machine }, { noNullPrototype: true });

describe('the default subject', () => {
  it('is what Windows shows for its own certificates', () => {
    assert.equal(formatName(subjectFor(byDefault, alice)), 'CN=[CORP/alice\\, PC-1]');
  });
});

describe('readSubject', () => {
  const templates = [
    DEFAULT_SUBJECT,
    'CN={machine},OU={account}',
    'CN={account} ({machine}) [x],O=Example\\, Inc.',
    'UID=a.*{machine}\\, {account}b+OU=fixed+O={x}'.replace('{x}', 'y'),
    'OU={machine}+CN={account}',
  ].map(parseSubjectTemplate);

  it('gives back account and machine, whatever the template', () => {
    fc.assert(
      fc.property(fc.constantFrom(...templates), owner, (template, who) => {
        assert.deepEqual(readSubject([template], subjectFor(template, who)), who);
      }),
      { numRuns: 500 },
    );
  });

  it('gives them back from the certificate that was issued', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...templates), owner, async (subject, who) => {
        const { certificate } = await issueCertificate(issueRequest({ ...who, subject }));
        const facts = describeCertificate(certificate);
        assert.equal(facts.kind, 'certificate');
        assert.deepEqual(readSubject([subject], facts.kind === 'certificate' ? facts.subject : []), who);
      }),
      { numRuns: 20 },
    );
  });

  it('tries the templates in order', () => {
    const second = parseSubjectTemplate('CN={machine},OU={account}');
    assert.deepEqual(readSubject([byDefault, second], subjectFor(second, alice)), alice);
  });

  it('is null for the subjects of others', () => {
    for (const value of [
      '',
      'alice',
      '[CORP/alice, PC-1',
      '[CORP/alice PC-1]',
      '[alice, PC-1]',
      '[/alice, PC-1]',
      '[CORP/, ]',
    ]) {
      assert.equal(readSubject([byDefault], [[{ type: 'CN', value }]]), null, value);
    }
    const right = { type: 'CN', value: '[CORP/alice, PC-1]' };
    assert.equal(readSubject([byDefault], [[right], [{ type: 'O', value: 'x' }]]), null);
    assert.equal(readSubject([byDefault], [[right, { type: 'O', value: 'x' }]]), null);
    assert.equal(readSubject([byDefault], [[{ ...right, type: 'OU' }]]), null);
    assert.equal(readSubject([byDefault], []), null);
    assert.equal(readSubject([], [[right]]), null);
  });
});

describe('subjectFor', () => {
  it('refuses a value over the limit of its type and names a template that has the room', () => {
    const long = { account: 'CORP\\alice', machine: `${'m'.repeat(60)}.corp.example` };
    assert.throws(
      () => subjectFor(byDefault, long),
      (error: unknown) => {
        assert.ok(error instanceof Error && 'hint' in error && 'code' in error);
        assert.equal(error.code, 'invalid-subject');
        const named = /'(.+)'/.exec(String(error.hint))?.[1] ?? '';
        assert.deepEqual(
          readSubject([parseSubjectTemplate(named)], subjectFor(parseSubjectTemplate(named), long)),
          long,
        );
        return true;
      },
    );
  });

  it('counts characters, not UTF-16 units', () => {
    const template = parseSubjectTemplate('CN={machine},OU={account}');
    const fits = { account: `C\\${'😀'.repeat(62)}`, machine: 'm'.repeat(64) };
    assert.deepEqual(readSubject([template], subjectFor(template, fits)), fits);
    assert.throws(() => subjectFor(template, { ...fits, account: `${fits.account}x` }), /65 characters/);
    assert.throws(() => subjectFor(template, { ...fits, machine: 'm'.repeat(65) }), /65 characters/);
  });

  it('refuses an account without a domain, with control characters or broken surrogates', () => {
    for (const wrong of ['alice', '\\alice', 'CORP\\', 'a/b\\c', 'CORP\\a\nb', 'CORP\\a\ud800']) {
      assert.throws(() => subjectFor(byDefault, { ...alice, account: wrong }), { code: 'invalid-subject' }, wrong);
    }
  });

  it('refuses what an attribute type cannot hold', () => {
    const template = parseSubjectTemplate('DC={account},serialNumber={machine}');
    assert.throws(() => subjectFor(template, { ...alice, account: 'CORP\\jörg' }), /DC cannot hold/);
    assert.throws(() => subjectFor(template, { ...alice, machine: 'a_b' }), /serialNumber cannot hold/);
  });
});

describe('parseSubjectTemplate', () => {
  it('reads RFC 4514: the first of the text is the last of the encoding, escapes are taken apart', () => {
    const { names } = parseSubjectTemplate(' cn = {machine} , OU=\\ {account}\\2C\\C3\\A9\\" + o=\\#x\\20 ');
    const types = names.map((attributes) => attributes.map(({ type }) => type));
    assert.deepEqual(types, [['OU', 'O'], ['CN']]);
    const subject = subjectFor({ text: '', names }, alice);
    assert.deepEqual(subject, [
      [
        { type: 'OU', value: ' CORP/alice,é"' },
        { type: 'O', value: '#x ' },
      ],
      [{ type: 'CN', value: 'PC-1' }],
    ]);
  });

  it('refuses what it cannot read, or could not read back', () => {
    const wrong = {
      'has {machine} 0 times': ['CN={account}'],
      'has {account} 2 times': ['CN={account},OU={account},O={machine}'],
      'does not keep': ['CN={account}{machine}', 'CN={machine}-{account}', 'CN={account}@{machine}'],
      unescaped: [
        'CN="{account}",OU={machine}',
        'CN={foo},OU={account}',
        'CN=#0401,OU={account}',
        'CN=a;OU=b',
        'CN=\\x',
      ],
      'attribute type': ['XX={account},CN={machine}'],
      'such as CN=…': ['', 'x', '={account}', 'CN={account},OU={machine},'],
      'of one type': ['CN={account}+CN={machine}'],
      'holds at most 2': ['C=DEU,CN={account},OU={machine}'],
      'needs at least 1': ['O=,CN={account},OU={machine}'],
      'not UTF-8': ['CN={account},OU={machine}\\C3'],
      'well-formed': ['CN={account},OU={machine}\ud800'],
    };
    for (const [problem, texts] of Object.entries(wrong)) {
      for (const text of texts) {
        assert.throws(
          () => parseSubjectTemplate(text),
          (error: unknown) =>
            error instanceof Error &&
            'code' in error &&
            error.code === 'invalid-subject' &&
            error.message.includes(problem),
          text,
        );
      }
    }
  });
});

describe('formatName', () => {
  it('escapes what RFC 4514 demands', () => {
    const name = [
      [
        { type: 'O', value: 'x' },
        { type: '1.2.3', value: 'y' },
      ],
      [{ type: 'CN', value: ' a+b,"c"\\;<> ' }],
      [{ type: 'L', value: '#1' }],
    ];
    assert.equal(formatName(name), 'L=\\#1,CN=\\ a\\+b\\,\\"c\\"\\\\\\;\\<\\>\\ ,O=x+1.2.3=y');
    assert.equal(formatName([]), '');
  });

  it('lets nothing through that acts on a terminal or cannot be seen', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const text = formatName([[{ type: 'CN', value }]]);
        assert.doesNotMatch(
          text,
          /(?! )[\p{C}\p{Z}\u{ad}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}\u{3164}]|\u{fe0f}/u,
        );
      }),
    );
    assert.equal(formatName([[{ type: 'CN', value: '\u001b[2Jé\u202e' }]]), 'CN=\\1B[2Jé\\E2\\80\\AE');
  });

  it('can be read as a template again', () => {
    fc.assert(
      fc.property(owner, (who) => {
        const subject = subjectFor(byDefault, who);
        const text = formatName(subject).replaceAll(/[{}]/g, (brace) => `\\${brace === '{' ? '7B' : '7D'}`);
        const again = parseSubjectTemplate(`${text},OU={account},O={machine}`);
        assert.deepEqual(subjectFor(again, alice)[2], subject[0]);
      }),
    );
  });
});
