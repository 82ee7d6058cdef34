import type { Block, Section } from './blocks.js';
import { Canvas, type CanvasOptions, type StructElement } from './canvas.js';
import { CHART_HEIGHT, drawChart } from './draw-chart.js';
import { drawTable } from './draw-table.js';
import { drawBanner, drawCode, drawHeading, drawList, drawParagraph, drawStrip, drawTitle } from './draw-text.js';
import { Flow, type ContentsEntry } from './flow.js';
import { CONTENT_WIDTH, INK, PAGE } from './theme.js';

export interface DrawOptions extends CanvasOptions {
  /** Head line of every page but the first. */
  readonly running: readonly [left: string, right: string];
  readonly foot: string;
}

export interface Attachment {
  readonly name: string;
  readonly data: Buffer;
  readonly media_type: string;
  readonly description: string;
  /** PDF/A-3 relationship: Source = what the pages were made from, Data = what they show, Supplement = beside them. */
  readonly relationship: 'Source' | 'Data' | 'Supplement';
}

/** Sections -> PDF bytes (PDF/A-3a, PDF/UA-1). Same input, same bytes. */
export function drawDocument(
  sections: readonly Section[],
  attachments: readonly Attachment[],
  options: DrawOptions,
): { bytes: Buffer; pages: number } {
  const canvas = new Canvas(options);
  const flow = new Flow(canvas);
  const open: StructElement[] = [];
  for (const section of sections) {
    flow.startSection(section.title, section.newPage);
    if (section.title !== '') canvas.doc.outline.addItem(canvas.clean(section.title, 'body'));
    for (const [index, block] of section.blocks.entries()) drawBlock(flow, block, leastHeight(section.blocks[index + 1]));
    open.push(flow.section);
  }
  flow.close(
    (element, y, entries) => drawContents(canvas, element, y, entries),
    (page, of) => drawFurniture(canvas, options, page, of),
  );
  for (const element of open) element.end();
  const date = new Date(options.createdMs);
  for (const { name, data, media_type, description, relationship } of attachments) {
    canvas.doc.file(data, { name, type: media_type, description, relationship, creationDate: date, modifiedDate: date } as never);
  }
  return { bytes: canvas.finish(), pages: flow.page };
}

/** What must fit below a heading for the heading to stay on the page. */
function leastHeight(next: Block | undefined): number {
  if (next?.t === 'chart') return CHART_HEIGHT + 48;
  return next?.t === 'table' || next?.t === 'code' ? 90 : 54;
}

function drawBlock(flow: Flow, block: Block, follow: number): void {
  switch (block.t) {
    case 'heading':
      return drawHeading(flow, block, follow);
    case 'paragraph':
      return drawParagraph(flow, block);
    case 'list':
      return drawList(flow, block);
    case 'table':
      return drawTable(flow, block);
    case 'code':
      return drawCode(flow, block);
    case 'chart':
      return drawChart(flow, block);
    case 'banner':
      return drawBanner(flow, block);
    case 'strip':
      return drawStrip(flow, block);
    case 'title':
      return drawTitle(flow, block);
    case 'page':
      return flow.newPage();
    case 'contents':
      return flow.reserveContents();
  }
}

function drawContents(canvas: Canvas, table: StructElement, top: number, entries: readonly ContentsEntry[]): void {
  const body = canvas.child(table, 'TBody');
  const listed = entries.filter(({ title }) => title !== '');
  const step = Math.min(17, (PAGE.height - PAGE.bottom - top) / Math.max(1, listed.length));
  for (const [index, { title, page }] of listed.entries()) {
    const y = top + index * step;
    const row = canvas.child(body, 'TR');
    const name = canvas.child(row, 'TH', { scope: 'Row' });
    canvas.font('body', 9);
    const label = canvas.clean(title, 'body');
    const end = PAGE.left + canvas.measure(label) + 6;
    canvas.tagged(name, 'TH', () => canvas.line(`${label} `, PAGE.left, y));
    const number = canvas.child(row, 'TD');
    const text = String(page);
    const x = PAGE.left + CONTENT_WIDTH - canvas.measure(text);
    canvas.artifact('Layout', () =>
      canvas.doc
        .moveTo(end, y + 8.5)
        .lineTo(x - 4, y + 8.5)
        .lineWidth(0.5)
        .dash(1, { space: 2 })
        .strokeColor(INK.rule)
        .stroke()
        .undash(),
    );
    canvas.tagged(number, 'TD', () => canvas.line(text, x, y));
  }
}

function drawFurniture(canvas: Canvas, options: DrawOptions, page: number, of: number): void {
  const y = PAGE.height - PAGE.bottom + 22;
  canvas.doc
    .moveTo(PAGE.left, y - 6)
    .lineTo(PAGE.width - PAGE.right, y - 6)
    .lineWidth(0.5)
    .strokeColor(INK.rule)
    .stroke();
  canvas.font('body', 7);
  pair(canvas, options.foot, `page ${page} of ${of}`, y);
  if (page === 1) return;
  pair(canvas, options.running[0], options.running[1], 36);
  canvas.doc
    .moveTo(PAGE.left, 50)
    .lineTo(PAGE.width - PAGE.right, 50)
    .lineWidth(0.5)
    .strokeColor(INK.rule)
    .stroke();
}

/** Left and right text on one line; the left one gives way. */
function pair(canvas: Canvas, left: string, right: string, y: number): void {
  const end = canvas.clean(right, 'body');
  const x = PAGE.left + CONTENT_WIDTH - canvas.measure(end);
  let start = canvas.clean(left, 'body');
  while (start.length > 1 && canvas.measure(start) > x - PAGE.left - 8) start = `${start.slice(0, -2)}…`;
  canvas.line(start, PAGE.left, y, INK.muted);
  canvas.line(end, x, y, INK.muted);
}
