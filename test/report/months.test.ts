import assert from 'node:assert/strict';
import { monthWindow } from '../../src/report-page/months.ts';

const now = '2027-03-15T09:30:00.000Z';

describe('the months that the expiry chart shows', () => {
  it('are the coming year when there is nothing else to show', () => {
    const { months, earlier, later } = monthWindow([], now);
    assert.equal(months[0]?.month, '2027-03');
    assert.equal(months.at(-1)?.month, '2028-03');
    assert.deepEqual([earlier, later], [0, 0]);
  });

  it('have no gaps, also over the turn of a year', () => {
    const { months } = monthWindow([{ month: '2026-11', count: 4 }], now);
    assert.deepEqual(
      months.slice(0, 4),
      [
        ['2026-11', 4],
        ['2026-12', 0],
        ['2027-01', 0],
        ['2027-02', 0],
      ].map(([month, count]) => ({ month, count })),
    );
  });

  it('reach two years back and eight years ahead, and count what lies outside', () => {
    const { months, earlier, later } = monthWindow(
      [
        { month: '1999-12', count: 2 },
        { month: '2025-02', count: 3 },
        { month: '2025-03', count: 1 },
        { month: '2035-03', count: 5 },
        { month: '2035-04', count: 7 },
        { month: '9999-12', count: 1 },
      ],
      now,
    );
    assert.deepEqual(months[0], { month: '2025-03', count: 1 });
    assert.deepEqual(months.at(-1), { month: '2035-03', count: 5 });
    assert.deepEqual([earlier, later], [5, 8]);
  });

  it('take years beyond four digits', () => {
    assert.equal(monthWindow([{ month: '+010000-01', count: 1 }], now).later, 1);
  });
});
