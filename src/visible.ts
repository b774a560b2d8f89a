/**
 * What a terminal obeys, or what nobody sees: controls, bidirectional overrides, everything else without a shape of its
 * own, and every space but the plain one.
 */
export const UNSEEN = String.raw`[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}`;

const unseen = new RegExp(UNSEEN, 'gu');
const plain = /^[ -~]*$/;

/** Text from the directory or from files, so that it cannot act on a terminal: `\u{1b}` stands for an escape character. */
export function harmless(text: string): string {
  return spellOut(text, escaped);
}

/** The text with each such character as it is spelled. */
export function spellOut(text: string, spell: (character: string) => string): string {
  return plain.test(text) ? text : text.replace(unseen, (character) => spell(character));
}

export function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}
