import assert from 'node:assert/strict';
import { othersIn } from '../../../src/native/windows/descriptor.ts';

describe('whom a security descriptor gives access', () => {
  const ours = new Set(['S-1-5-21-1-2-3-1000', 'SY']);
  const cases: [sddl: string, others: string[]][] = [
    ['D:P(A;;FA;;;S-1-5-21-1-2-3-1000)(A;;FA;;;SY)', []],
    ['D:PAI(A;OICI;FA;;;SY)', []],
    ['D:P', []],
    ['D:(A;;FA;;;SY)(A;ID;0x1200a9;;;WD)', ['WD']],
    ['D:AI(A;ID;FA;;;BA)(A;ID;0x1301bf;;;AU)(A;ID;FR;;;AU)', ['BA', 'AU']],
    ['D:P(D;;FA;;;BG)(A;;FA;;;SY)', []],
    ['D:P(XA;;FX;;;S-1-1-0;(@User.Title=="PM"))', ['everybody']],
    ['', ['everybody']],
    ['D:NO_ACCESS_CONTROL', ['everybody']],
    ['D:PNO_ACCESS_CONTROL', ['everybody']],
  ];
  for (const [sddl, others] of cases) {
    it(`${sddl || 'nothing'}: ${others.join(', ') || 'nobody else'}`, () => {
      assert.deepEqual(othersIn(sddl, ours), others);
    });
  }
});
