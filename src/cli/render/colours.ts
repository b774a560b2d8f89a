import { createColors } from 'picocolors';

const wanted = process.env['NO_COLOR'] === undefined && process.env['TERM'] !== 'dumb';

/** Colours for standard output, and for standard error: on a terminal only, whatever else the environment says. */
export const colours = createColors(wanted && process.stdout.isTTY === true);
export const errorColours = createColors(wanted && process.stderr.isTTY === true);
