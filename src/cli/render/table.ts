import Table from 'cli-table3';
import { unmarkedRemoved, visiblePart } from '../terminal.ts';

const none = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Columns without rules, each as wide as it needs, line by line. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const layout = new Table({
    chars: none,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  layout.push(...rows.map((row) => row.map(visiblePart)));
  return unmarkedRemoved(layout.toString())
    .split('\n')
    .map((line) => line.trimEnd());
}
