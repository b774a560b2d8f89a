import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { RelativeName } from '../../src/certificate/names.ts';
import { DEFAULT_SUBJECT, parseSubjectTemplate } from '../../src/certificate/subject.ts';
import type { CertificateFacts } from '../../src/certificate/x509/describe.ts';
import type { Computer } from '../../src/directory/directory.ts';
import { MsmqCertError } from '../../src/errors.ts';
import { computerBook } from '../../src/judge/computer-book.ts';
import { machineRegister } from '../../src/judge/machines.ts';
import { namesIn, type RecognitionRules, recognise } from '../../src/judge/recognise.ts';
import { alice, now } from '../plan/states.ts';

function computer(name: string, changes: Partial<Computer> = {}): Computer {
  const dnsName = `${name.toLowerCase()}.corp.example`;
  return { name, commonName: null, dnsName, disabled: false, lastLogon: null, ...changes };
}

const domain = [computer('PC-1'), computer('PC-2'), computer('ALICE'), computer('CORP'), computer('MSMQ')];

function rulesFor(computers: readonly Computer[] = domain, stated: Record<string, string> = {}): RecognitionRules {
  const register = machineRegister({ kind: 'forest' }, { now, machineInactiveMs: 1 });
  for (const each of computers) register.add(each);
  const subjects = [parseSubjectTemplate(DEFAULT_SUBJECT)];
  return { subjects, stated: new Map(Object.entries(stated)), computers: register };
}

/** `O=MSMQ/OU=PC-1`: one value a relative name, in the order of the certificate. */
function nameOf(text: string): RelativeName[] {
  return text.split(' / ').map((part) => {
    const cut = part.indexOf('=');
    return [{ type: part.slice(0, cut), value: part.slice(cut + 1) }];
  });
}

function factsOf(subject: string, issuer = subject): CertificateFacts {
  return {
    kind: 'certificate',
    subject: nameOf(subject),
    issuer: nameOf(issuer),
    serialNumber: '01',
    notBefore: now,
    notAfter: now,
    keyAlgorithm: 'rsa',
    keyBits: 2048,
    signatureAlgorithm: 'sha256WithRSAEncryption',
  };
}

const md5 = 'ab'.repeat(16);
const of = (subject: string, issuer = subject, rules = rulesFor()) =>
  recognise({ facts: factsOf(subject, issuer), md5 }, alice, rules);

describe('whose certificate it is', () => {
  it('is told by the name of exactly one computer account, anywhere in subject or issuer', () => {
    const found = { account: null, machine: 'PC-1', recognisedBy: 'computer-account', candidates: [] };
    for (const subject of [
      'O=MSMQ / OU=PC-1 / CN=CORP\\alice',
      'CN=CORP\\alice (PC-1)',
      'CN=[alice@corp.example; pc-1$]',
      'OU="PC-1":CORP/alice',
      'CN=pc-1',
    ]) {
      assert.deepEqual(of(subject), found, subject);
    }
    assert.deepEqual(of('CN=alice', 'CN=PC-1'), found, 'in the issuer only');
    assert.equal(of('CN=pc-1.corp.example').machine, 'pc-1.corp.example');
    assert.equal(of('CN=pc-1.corp.example / OU=PC-1').recognisedBy, 'computer-account', 'two names of one computer');
  });

  it('is not told by a part of a longer word, by the user, the domain, or the word MSMQ', () => {
    const nobody = { account: null, machine: null, recognisedBy: null, candidates: [] };
    for (const subject of ['CN=XPC-1', 'CN=PC-10', 'CN=pc-1.other.example', 'O=MSMQ / CN=CORP\\alice', 'CN=Alice']) {
      assert.deepEqual(of(subject), nobody, subject);
    }
  });

  it('is our subject before any computer account, and what is stated before both', () => {
    const ours = 'CN=[CORP/alice, PC-9]';
    assert.deepEqual(of(ours), {
      account: 'CORP\\alice',
      machine: 'PC-9',
      recognisedBy: 'subject',
      candidates: [],
    });
    const stated = rulesFor(domain, { [md5]: 'PC-7' });
    assert.equal(of(ours, ours, stated).machine, 'PC-7');
    assert.deepEqual(of('CN=PC-1', 'CN=PC-1', stated), {
      account: null,
      machine: 'PC-7',
      recognisedBy: 'stated',
      candidates: [],
    });
  });

  it('is open when a certificate names several computers, which are all told', () => {
    const { machine, recognisedBy, candidates } = of('OU=PC-2 / CN=PC-1');
    assert.deepEqual([machine, recognisedBy, candidates], [null, null, ['PC-1', 'PC-2']]);
    const twins = [computer('PC-1', { dnsName: 'x.corp.example' }), computer('PC-2', { dnsName: 'x.corp.example' })];
    assert.deepEqual(of('CN=x.corp.example', 'CN=x', rulesFor(twins)).candidates, ['PC-1', 'PC-2']);
    const many = Array.from({ length: 10 }, (_, index) => computer(`M-${index}`));
    assert.equal(of(many.map(({ name }) => `OU=${name}`).join(' / '), 'CN=x', rulesFor(many)).candidates.length, 10);
  });

  it('tells computers of one short name in two domains by their DNS names', () => {
    const forest = [computer('PC-1'), computer('PC-1', { dnsName: 'pc-1.child.example' })];
    assert.deepEqual(of('CN=PC-1', 'CN=PC-1', rulesFor(forest)).candidates, [
      'pc-1.child.example',
      'pc-1.corp.example',
    ]);
    assert.equal(of('CN=pc-1.child.example', 'CN=x', rulesFor(forest)).machine, 'pc-1.child.example');
  });

  it('is found by a common name that is longer than the account can be', () => {
    const long = computer('VERY-LONG-HOST-', { commonName: 'very-long-host-name', dnsName: null });
    assert.equal(of('CN=Very-Long-Host-Name', 'CN=x', rulesFor([long])).machine, 'VERY-LONG-HOST-');
  });

  it('never takes a name that is not there for a computer', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 8 }), (values) => {
        const names = values.map((value) => [{ type: 'CN', value }]);
        for (const name of namesIn(names, alice)) {
          assert.ok(values.some((value) => value.toLowerCase().includes(name)));
          assert.doesNotMatch(name, /[\s*()\\]/);
        }
      }),
    );
  });
});

describe('the book of computers', () => {
  const finder = (answers: Computer[], areReadable = true) => {
    const asked: string[][] = [];
    const computersNamed = async (names: readonly string[]) => {
      asked.push([...names].sort());
      return { computers: answers, areReadable };
    };
    return { asked, computersNamed };
  };

  it('looks each name up once, those of several users together', async () => {
    const directory = finder([computer('PC-1')]);
    const book = computerBook(directory, () => assert.fail('readable'));
    assert.equal(book.named('pc-1'), undefined);
    assert.equal(book.named('pc-9'), undefined);
    assert.equal(await book.lookUp(), true);
    assert.deepEqual(
      book.named('pc-1')?.map(({ name }) => name),
      ['PC-1'],
    );
    assert.deepEqual(book.named('pc-9'), []);
    assert.equal(await book.lookUp(), false);
    assert.deepEqual(directory.asked, [['pc-1', 'pc-9']]);
  });

  it('lets one that asks for a name wait while another looks it up', async () => {
    let answer = () => {};
    const gate = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const book = computerBook(
      {
        computersNamed: async () => {
          await gate;
          return { computers: [computer('PC-1')], areReadable: true };
        },
      },
      () => {},
    );
    book.named('pc-1');
    const first = book.lookUp();
    assert.equal(book.named('pc-1'), undefined);
    const second = book.lookUp();
    answer();
    assert.deepEqual(await Promise.all([first, second]), [true, true]);
    assert.equal(book.named('pc-1')?.length, 1);
  });

  it('says once that computers cannot be read, and goes on without them', async () => {
    const told: (string | null)[] = [];
    const failing = computerBook(
      { computersNamed: async () => Promise.reject(new MsmqCertError('access-denied', 'no')) },
      (error) => told.push(error?.code ?? null),
    );
    for (const name of ['pc-1', 'pc-2']) {
      failing.named(name);
      await failing.lookUp();
      assert.deepEqual(failing.named(name), []);
    }
    const empty = computerBook(finder([], false), (error) => told.push(error?.code ?? null));
    empty.named('pc-1');
    await empty.lookUp();
    assert.deepEqual(told, ['access-denied', null]);
  });
});
