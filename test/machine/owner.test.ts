import assert from 'node:assert/strict';
import { DEFAULT_SUBJECT, parseSubjectTemplate, subjectFor } from '../../src/certificate/subject.ts';
import { demandOwner, type StatedOwner } from '../../src/machine/owner.ts';

describe('whose a certificate is', () => {
  const template = parseSubjectTemplate(DEFAULT_SUBJECT);
  const session = { account: 'CORP\\alice', machines: ['PC-1', 'pc-1.corp.example'] };
  const ours = (account: string, machine: string) => subjectFor(template, { account, machine });
  const foreign = [[{ type: 'CN', value: 'Alice' }]];
  const check = (subject: Parameters<typeof demandOwner>[0]['subject'], stated: Partial<StatedOwner> = {}) =>
    demandOwner({ subject }, session, { user: null, machine: null, ...stated }, [template], 'a.pfx');

  it('is told by its subject', () => {
    check(ours('CORP\\alice', 'PC-1'));
    check(ours('corp\\ALICE', 'pc-1.corp.example'));
  });

  it('is told by what is stated where the subject says nothing', () => {
    check(foreign, { user: 'CORP\\alice', machine: 'PC-1' });
    check(foreign, { user: 'alice', machine: 'pc-1' });
    assert.throws(() => check(foreign), { code: 'wrong-owner', hint: /--user and --machine/ });
    assert.throws(() => check(foreign, { user: 'alice' }), { code: 'wrong-owner', hint: /--machine/ });
  });

  const wrong: [string, ReturnType<typeof ours>, Partial<StatedOwner>, RegExp][] = [
    ['another user', ours('CORP\\bob', 'PC-1'), {}, /CORP\\bob.*CORP\\alice/],
    ['the same name in another domain', ours('OTHER\\alice', 'PC-1'), {}, /OTHER\\alice/],
    ['another machine', ours('CORP\\alice', 'PC-2'), {}, /PC-2.*PC-1/],
    ['a machine of the same name elsewhere', ours('CORP\\alice', 'pc-1.other.example'), {}, /pc-1\.other\.example/],
    ['another user, though this one was stated', ours('CORP\\bob', 'PC-1'), { user: 'CORP\\alice' }, /stated/],
    ['another machine, though this one was stated', ours('CORP\\alice', 'PC-2'), { machine: 'PC-1' }, /stated/],
    ['another user, as was stated', foreign, { user: 'CORP\\bob', machine: 'PC-1' }, /CORP\\bob/],
  ];
  for (const [what, subject, stated, message] of wrong) {
    it(`is not that of ${what}`, () => {
      assert.throws(() => check(subject, stated), { code: 'wrong-owner', message });
    });
  }
});
