import assert from 'node:assert/strict';
import { type MonthCount, nextTwelveMonths, yearsAround } from '../../src/report-page/months.ts';

function ends(counts: Record<string, number>, endedThisMonth = 0) {
  const byMonth: MonthCount[] = Object.entries(counts).map(([month, count]) => ({ month, count }));
  return { byMonth, endedThisMonth, now: '2027-03-15T09:30:00.000Z' };
}

describe('the coming months in the expiry chart', () => {
  it('are the present one and all of the twelve after it, over the turn of a year and with nothing in them', () => {
    const { periods, earlier, later } = nextTwelveMonths(ends({ '2028-01': 4 }));
    assert.deepEqual(
      periods.map(({ name }) => name),
      [
        ...['2027-03', '2027-04', '2027-05', '2027-06', '2027-07', '2027-08', '2027-09'],
        ...['2027-10', '2027-11', '2027-12', '2028-01', '2028-02', '2028-03'],
      ],
    );
    assert.deepEqual(periods[10], { name: '2028-01', ended: 0, coming: 4 });
    assert.deepEqual(periods[11], { name: '2028-02', ended: 0, coming: 0 });
    assert.deepEqual([earlier, later], [0, 0]);
  });

  it('split the present one by today, and count what lies outside', () => {
    const counts = { '1999-12': 2, '2027-02': 3, '2027-03': 5, '2028-03': 1, '2028-04': 7, '+010000-01': 1 };
    const { periods, earlier, later } = nextTwelveMonths(ends(counts, 4));
    assert.deepEqual(periods[0], { name: '2027-03', ended: 4, coming: 1 });
    assert.deepEqual(periods[12], { name: '2028-03', ended: 0, coming: 1 });
    assert.deepEqual([earlier, later], [5, 8]);
  });
});

describe('the years in the expiry chart', () => {
  it('are those in which something ends and the present one, without gaps', () => {
    const { periods } = yearsAround(ends({ '2025-11': 4, '2027-02': 1, '2027-03': 6, '2027-12': 2 }, 2));
    assert.deepEqual(periods, [
      { name: '2025', ended: 4, coming: 0 },
      { name: '2026', ended: 0, coming: 0 },
      { name: '2027', ended: 3, coming: 6 },
    ]);
  });

  it('are the present one when nothing ends', () => {
    assert.deepEqual(yearsAround(ends({})), {
      periods: [{ name: '2027', ended: 0, coming: 0 }],
      earlier: 0,
      later: 0,
    });
  });

  it('reach five years back and ten ahead, and count what lies outside', () => {
    const counts = { '2021-12': 2, '2022-01': 1, '2037-12': 5, '2038-01': 7, '9999-12': 1, '+010000-01': 1 };
    const { periods, earlier, later } = yearsAround(ends(counts));
    assert.equal(periods[0]?.name, '2022');
    assert.deepEqual(periods.at(-1), { name: '2037', ended: 0, coming: 5 });
    assert.deepEqual([earlier, later], [2, 9]);
  });
});
