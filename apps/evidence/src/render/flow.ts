import { AffiantError } from '#errors';
import { Canvas, type StructElement } from './canvas.js';
import { INK, PAGE } from './theme.js';

/** A hostile or mistaken content model must not grow without end. */
const MAX_PAGES = 2_000;

export interface ContentsEntry {
  readonly title: string;
  readonly page: number;
}

/** A cursor that walks down the pages. */
export class Flow {
  readonly canvas: Canvas;
  /** Top of the next block, points from the top of the page. */
  y: number = PAGE.top;
  /** Structure element new blocks go into. */
  section: StructElement;
  readonly contents: ContentsEntry[] = [];
  #pages = 0;
  #contentsPage: { readonly index: number; readonly element: StructElement; readonly y: number } | null = null;

  constructor(canvas: Canvas) {
    this.canvas = canvas;
    this.section = canvas.root;
  }

  /** 1-based number of the current page. */
  get page(): number {
    return this.#pages;
  }

  get bottom(): number {
    return PAGE.height - PAGE.bottom;
  }

  newPage(): void {
    if (this.#pages >= MAX_PAGES) throw new AffiantError('packet_invalid', `the content gives more than ${MAX_PAGES} pages`);
    this.canvas.doc.addPage();
    this.#pages++;
    this.y = PAGE.top;
  }

  /** Starts a new page when fewer than `height` points are left on this one. True when it did. */
  ensure(height: number): boolean {
    if (this.#pages > 0 && this.y + height <= this.bottom) return false;
    if (this.#pages > 0 && this.y <= PAGE.top) return false;
    this.newPage();
    return true;
  }

  startSection(title: string, newPage: boolean): void {
    if (newPage || this.#pages === 0) this.newPage();
    this.section = this.canvas.child(this.canvas.root, 'Sect');
    this.contents.push({ title, page: this.page });
  }

  /** Keeps room for the list of contents, written when all page numbers are known. */
  reserveContents(): void {
    this.#contentsPage = { index: this.page - 1, element: this.canvas.child(this.section, 'Table'), y: this.y };
  }

  /** Goes back to the reserved room, hands it to `draw`, and ends every page with its furniture. */
  close(
    draw: (element: StructElement, y: number, entries: readonly ContentsEntry[]) => void,
    furniture: (page: number, of: number) => void,
  ): void {
    const { doc } = this.canvas;
    if (this.#contentsPage !== null) {
      doc.switchToPage(this.#contentsPage.index);
      draw(this.#contentsPage.element, this.#contentsPage.y, this.contents);
      this.#contentsPage.element.end();
    }
    for (let page = 0; page < this.#pages; page++) {
      doc.switchToPage(page);
      this.canvas.artifact('Pagination', () => furniture(page + 1, this.#pages));
    }
  }

  /** Thin line across the content. */
  rule(y: number, ink: string = INK.rule): void {
    this.canvas.doc
      .moveTo(PAGE.left, y)
      .lineTo(PAGE.width - PAGE.right, y)
      .lineWidth(0.5)
      .strokeColor(ink)
      .stroke();
  }
}
