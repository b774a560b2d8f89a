import { createColors } from 'picocolors';
import { isTerminal, marked, visiblePart } from '../terminal.ts';

const wanted = process.env['NO_COLOR'] === undefined && process.env['TERM'] !== 'dumb';

/** Colours for standard output, and for standard error: on a terminal only, whatever else the environment says. */
export const colours = coloursFor(isTerminal.output);
export const errorColours = coloursFor(isTerminal.errors);

function coloursFor(isColoured: boolean) {
  const { red, green, yellow, bold, dim } = createColors(wanted && isColoured);
  const own = (paint: (text: string) => string) => (text: string) => marked(paint(visiblePart(text)));
  return { red: own(red), green: own(green), yellow: own(yellow), bold: own(bold), dim: own(dim) };
}
