import { type BerWriter, Control, PagedResultsControl } from 'ldapts';

/**
 * Asks for one page of a search (RFC 2696). ldapts can go through pages by itself, but takes an empty page for the end,
 * and Active Directory sends one whenever it has looked for long without a find.
 */
export class PageControl extends Control {
  /** Once the page is there: what to ask for the next one with; empty or null when it was the last. */
  next: Buffer | null = null;
  readonly #asked: PagedResultsControl;

  constructor(size: number, cookie: Buffer | null) {
    super(PagedResultsControl.type);
    this.#asked = new PagedResultsControl({ value: { size, ...(cookie && { cookie }) } });
  }

  override writeControl(writer: BerWriter): void {
    this.#asked.writeControl(writer);
  }
}
