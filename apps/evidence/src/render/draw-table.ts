import type { StructElement } from './canvas.js';
import type { ColumnSpec, TableBlock } from './blocks.js';
import type { Flow } from './flow.js';
import { wrap } from './text.js';
import { CONTENT_WIDTH, INK, PAGE } from './theme.js';

const SIZE = 7.4;
const MONO_SIZE = 6.6;
const LINE = SIZE * 1.32;
const PAD_X = 4;
const PAD_Y = 2.6;
/** A cell is cut before a row could outgrow a page; the whole value stands in the exhibit. */
const MAX_LINES = 40;

type CellFont = 'body' | 'bold' | 'mono';

interface Geometry {
  readonly column: ColumnSpec;
  readonly x: number;
  readonly width: number;
}

/** A table that runs over pages and repeats its line of headings (as page furniture). Cells never leave their column. */
export function drawTable(flow: Flow, block: TableBlock): void {
  const { canvas } = flow;
  const columns = geometry(block.columns);
  const headLines = columns.map(({ column, width }) => cellLines(flow, column.label, width, 'bold'));
  const headHeight = Math.max(...headLines.map((lines) => lines.length)) * LINE + 2 * PAD_Y;
  const first = block.rows[0];
  const firstHeight = first === undefined ? LINE : rowHeight(rowLines(flow, columns, first, block), block);
  flow.ensure(16 + headHeight + Math.min(firstHeight, 200));

  const table = canvas.child(flow.section, 'Table');
  drawCaption(flow, table, block.caption);
  const drawHead = (tag: boolean): void => {
    const top = flow.y;
    canvas.artifact('Layout', () => canvas.doc.rect(PAGE.left, top, CONTENT_WIDTH, headHeight).fill(INK.head));
    const row = tag ? canvas.child(canvas.child(table, 'THead'), 'TR') : null;
    for (const [index, { column, x, width }] of columns.entries()) {
      const paint = (): void => paintCell(flow, headLines[index] ?? [], { column, x, width }, top, 'bold');
      if (row === null) canvas.artifact('Pagination', paint);
      else {
        const th = canvas.child(row, 'TH', { scope: 'Column' });
        canvas.tagged(th, 'TH', paint);
      }
    }
    flow.y += headHeight;
  };
  if (block.plain !== true) drawHead(true);
  const body = canvas.child(table, 'TBody');
  for (const [index, row] of block.rows.entries()) {
    const cells = rowLines(flow, columns, row, block);
    const height = rowHeight(cells, block);
    if (flow.ensure(height) && block.plain !== true) drawHead(false);
    const top = flow.y;
    canvas.artifact('Layout', () => {
      if (index % 2 === 1 && block.minRowHeight === undefined) canvas.doc.rect(PAGE.left, top, CONTENT_WIDTH, height).fill(INK.zebra);
      flow.rule(top + height);
    });
    const tr = canvas.child(body, 'TR');
    for (const [at, { column, x, width }] of columns.entries()) {
      const heads = at === 0 && hasRowHeads(block);
      const cell = canvas.child(tr, heads ? 'TH' : 'TD', heads ? { scope: 'Row' } : {});
      const text = cells[at] ?? [];
      if (text.some((line) => line !== ''))
        canvas.tagged(cell, heads ? 'TH' : 'TD', () => paintCell(flow, text, { column, x, width }, top, fontOf(column, heads)));
    }
    tr.end();
    flow.y += height;
  }
  table.end();
  flow.y += 10;
}

function drawCaption(flow: Flow, table: StructElement, caption: string): void {
  if (caption === '') return;
  const { canvas } = flow;
  canvas.font('bold', 7.8);
  const lines = wrap(canvas.clean(caption, 'bold'), CONTENT_WIDTH, canvas.measure);
  const element = canvas.child(table, 'Caption');
  canvas.tagged(element, 'Caption', () => {
    canvas.font('bold', 7.8);
    for (const line of lines) {
      canvas.line(`${line} `, PAGE.left, flow.y, INK.muted);
      flow.y += 10.5;
    }
  });
  flow.y += 1.5;
}

function geometry(columns: readonly ColumnSpec[]): Geometry[] {
  const total = columns.reduce((sum, { weight }) => sum + weight, 0);
  let x: number = PAGE.left;
  return columns.map((column) => {
    const width = (CONTENT_WIDTH * column.weight) / total;
    const at = x;
    x += width;
    return { column, x: at, width };
  });
}

function rowLines(flow: Flow, columns: readonly Geometry[], row: readonly string[], block: TableBlock): string[][] {
  return columns.map(({ column, width }, index) =>
    cellLines(flow, row[index] ?? '', width, fontOf(column, index === 0 && hasRowHeads(block))),
  );
}

const hasRowHeads = (block: TableBlock): boolean => block.rowHeaders === true || block.plain === true;

const fontOf = (column: ColumnSpec, heads: boolean): CellFont => (column.mono === true ? 'mono' : heads ? 'bold' : 'body');

const rowHeight = (cells: readonly (readonly string[])[], block: TableBlock): number =>
  Math.max(Math.max(...cells.map((lines) => lines.length)) * LINE + 2 * PAD_Y, block.minRowHeight ?? 0);

function cellLines(flow: Flow, text: string, width: number, font: CellFont): string[] {
  flow.canvas.font(font, font === 'mono' ? MONO_SIZE : SIZE);
  const lines = wrap(flow.canvas.clean(text.slice(0, 4000), font), width - 2 * PAD_X, flow.canvas.measure);
  return lines.length > MAX_LINES ? [...lines.slice(0, MAX_LINES - 1), '… (cut; see the exhibit)'] : lines;
}

function paintCell(flow: Flow, lines: readonly string[], { column, x, width }: Geometry, top: number, font: CellFont): void {
  const { canvas } = flow;
  canvas.font(font, font === 'mono' ? MONO_SIZE : SIZE);
  for (const [index, line] of lines.entries()) {
    const left = column.align === 'right' ? x + width - PAD_X - canvas.measure(line) : x + PAD_X;
    canvas.line(index === lines.length - 1 ? line : `${line} `, left, top + PAD_Y + index * LINE, INK.text);
  }
}
