import type { BannerBlock, CodeBlock, HeadingBlock, ListBlock, ParagraphBlock, StripBlock, TitleBlock } from './blocks.js';
import type { Flow } from './flow.js';
import { wrap, wrapCode } from './text.js';
import { CONTENT_WIDTH, INK, PAGE, TONE_STYLE, VERDICT_STYLE, type FontName } from './theme.js';
import { VERDICTS } from '../model/verdict.js';

const HEADING = {
  1: { size: 17, before: 0, after: 8 },
  2: { size: 11.5, before: 14, after: 5 },
  3: { size: 9.5, before: 9, after: 3 },
} as const;
const LEADING = 1.36;

/** Lines of text that may run over pages, as one structure element. */
function lines(flow: Flow, tag: string, text: readonly string[], style: { font: FontName; size: number; ink: string; x?: number }): void {
  const { canvas } = flow;
  const height = style.size * LEADING;
  const element = canvas.child(flow.section, tag);
  canvas.font(style.font, style.size);
  let at = 0;
  while (at < text.length) {
    flow.ensure(height);
    const room = Math.max(1, Math.floor((flow.bottom - flow.y) / height));
    const part = text.slice(at, at + room);
    canvas.tagged(element, tag, () => {
      for (const [index, line] of part.entries()) {
        const last = at + index === text.length - 1;
        canvas.line(last ? line : `${line} `, style.x ?? PAGE.left, flow.y, style.ink);
        flow.y += height;
      }
    });
    at += part.length;
  }
  element.end();
}

/** `follow`: least height of what comes next, so that a heading never stands alone at the foot of a page. */
export function drawHeading(flow: Flow, block: HeadingBlock, follow: number): void {
  const { canvas } = flow;
  const { size, before, after } = HEADING[block.level];
  const label = block.verdict === undefined ? null : VERDICT_STYLE[block.verdict];
  const text = canvas.clean(block.text, 'bold');
  canvas.font('bold', 7.5);
  const labelText = label === null ? '' : `${label.sign} ${block.verdict}`;
  const labelWidth = label === null ? 0 : canvas.measure(labelText) + 12;
  canvas.font('bold', size);
  const wrapped = wrap(text, CONTENT_WIDTH - labelWidth - (label === null ? 0 : 10), canvas.measure);
  const height = wrapped.length * size * LEADING;
  if (flow.y > PAGE.top) flow.y += before;
  flow.ensure(height + after + follow);
  const element = canvas.child(flow.section, `H${block.level}`);
  const top = flow.y;
  canvas.tagged(element, `H${block.level}`, () => {
    canvas.font('bold', size);
    for (const [index, line] of wrapped.entries())
      canvas.line(index < wrapped.length - 1 || label !== null ? `${line} ` : line, PAGE.left, top + index * size * LEADING, INK.accent);
    if (label !== null) {
      const x = PAGE.width - PAGE.right - labelWidth;
      canvas.doc.roundedRect(x, top, labelWidth, 14, 2).fill(label.wash);
      canvas.font('bold', 7.5);
      canvas.line(labelText, x + 6, top + 2.6, label.ink);
    }
  });
  element.end();
  flow.y += height + after;
  if (block.level === 1) {
    canvas.artifact('Layout', () => flow.rule(flow.y - after / 2, INK.accent));
    flow.y += 4;
  }
}

const PARAGRAPH = {
  normal: { font: 'body', size: 9, ink: INK.text, after: 6 },
  strong: { font: 'bold', size: 9, ink: INK.text, after: 4 },
  muted: { font: 'body', size: 8, ink: INK.muted, after: 5 },
  label: { font: 'bold', size: 7.5, ink: INK.muted, after: 2 },
} as const;

export function drawParagraph(flow: Flow, block: ParagraphBlock): void {
  const style = PARAGRAPH[block.style ?? 'normal'];
  flow.canvas.font(style.font, style.size);
  const text = wrap(flow.canvas.clean(block.text, style.font), CONTENT_WIDTH, flow.canvas.measure);
  if (block.style === 'label' || block.style === 'strong') flow.ensure(48);
  lines(flow, 'P', text, style);
  flow.y += style.after;
}

export function drawList(flow: Flow, block: ListBlock): void {
  const { canvas } = flow;
  const outer = flow.section;
  const list = canvas.child(outer, 'L');
  for (const item of block.items) {
    canvas.font('body', 9);
    const text = wrap(canvas.clean(item, 'body'), CONTENT_WIDTH - 14, canvas.measure);
    flow.ensure(9 * LEADING);
    const li = canvas.child(list, 'LI');
    const bullet = canvas.child(li, 'Lbl');
    canvas.tagged(bullet, 'Lbl', () => canvas.line('• ', PAGE.left + 3, flow.y, INK.accent));
    bullet.end();
    flow.section = li;
    lines(flow, 'LBody', text, { font: 'body', size: 9, ink: INK.text, x: PAGE.left + 14 });
    flow.section = outer;
    li.end();
    flow.y += 2;
  }
  list.end();
  flow.y += 4;
}

export function drawCode(flow: Flow, block: CodeBlock): void {
  const { canvas } = flow;
  canvas.font('mono', 6.8);
  const columns = Math.floor((CONTENT_WIDTH - 16) / canvas.measure('m'));
  const text = wrapCode(canvas.clean(block.text, 'mono'), columns);
  const height = 6.8 * LEADING;
  const element = canvas.child(flow.section, 'P');
  let at = 0;
  while (at < text.length) {
    flow.ensure(height * 3 + 8);
    const room = Math.max(1, Math.floor((flow.bottom - flow.y - 8) / height));
    const part = text.slice(at, at + room);
    canvas.artifact('Layout', () => {
      canvas.doc.rect(PAGE.left, flow.y, CONTENT_WIDTH, part.length * height + 8).fill(INK.zebra);
      canvas.doc.rect(PAGE.left, flow.y, 2, part.length * height + 8).fill(INK.rule);
    });
    canvas.tagged(element, 'P', () => {
      canvas.font('mono', 6.8);
      for (const [index, line] of part.entries()) canvas.line(`${line} `, PAGE.left + 9, flow.y + 4 + index * height, INK.text);
    });
    flow.y += part.length * height + 8;
    at += part.length;
  }
  element.end();
  flow.y += 6;
}

export function drawBanner(flow: Flow, block: BannerBlock): void {
  const { canvas } = flow;
  const style = TONE_STYLE[block.tone];
  canvas.font('body', 8.5);
  const text = wrap(canvas.clean(block.text, 'body'), CONTENT_WIDTH - 34, canvas.measure);
  const height = 14 + 9.5 * LEADING + text.length * 8.5 * LEADING;
  flow.ensure(height + 6);
  canvas.artifact('Layout', () => {
    canvas.doc.rect(PAGE.left, flow.y, CONTENT_WIDTH, height).fill(style.wash);
    canvas.doc.rect(PAGE.left, flow.y, 3, height).fill(style.ink);
  });
  const element = canvas.child(flow.section, 'P');
  canvas.tagged(element, 'P', () => {
    canvas.font('bold', 9.5);
    canvas.line(`${style.sign} `, PAGE.left + 10, flow.y + 7, style.ink);
    canvas.line(`${canvas.clean(block.title, 'bold')} `, PAGE.left + 24, flow.y + 7, style.ink);
    canvas.font('body', 8.5);
    for (const [index, line] of text.entries())
      canvas.line(`${line} `, PAGE.left + 24, flow.y + 7 + 9.5 * LEADING + index * 8.5 * LEADING, INK.text);
  });
  element.end();
  flow.y += height + 8;
}

export function drawTitle(flow: Flow, block: TitleBlock): void {
  const { canvas } = flow;
  const paragraph = (text: string, font: FontName, size: number, ink: string, tag: string): void => {
    canvas.font(font, size);
    lines(flow, tag, wrap(canvas.clean(text, font), CONTENT_WIDTH, canvas.measure), { font, size, ink });
  };
  canvas.artifact('Layout', () => canvas.doc.rect(0, 0, PAGE.width, 10).fill(INK.accent));
  flow.y = PAGE.top + 4;
  paragraph(block.over, 'bold', 10, INK.muted, 'P');
  flow.y += 6;
  paragraph(block.title, 'bold', 24, INK.accent, 'H1');
  flow.y += 2;
  paragraph(block.under, 'body', 11, INK.muted, 'P');
  flow.y += 12;
}

/** The verdict strip: a table of one row, so that it reads as one. */
export function drawStrip(flow: Flow, block: StripBlock): void {
  const { canvas } = flow;
  const width = CONTENT_WIDTH / VERDICTS.length;
  flow.ensure(58);
  const top = flow.y;
  const table = canvas.child(flow.section, 'Table');
  const rows = [canvas.child(canvas.child(table, 'THead'), 'TR'), canvas.child(canvas.child(table, 'TBody'), 'TR')] as const;
  for (const [index, verdict] of VERDICTS.entries()) {
    const style = VERDICT_STYLE[verdict];
    const x = PAGE.left + index * width;
    canvas.artifact('Layout', () => {
      canvas.doc.rect(x, top, width - 4, 50).fill(style.wash);
      canvas.doc.rect(x, top, width - 4, 2.5).fill(style.ink);
    });
    const th = canvas.child(rows[0], 'TH', { scope: 'Column' });
    canvas.tagged(th, 'TH', () => {
      canvas.font('bold', 6.6);
      canvas.line(`${style.sign} ${verdict}`, x + 6, top + 9, style.ink);
    });
    const td = canvas.child(rows[1], 'TD');
    canvas.tagged(td, 'TD', () => {
      canvas.font('bold', 18);
      canvas.line(String(block.counts[verdict]), x + 6, top + 21, style.ink);
    });
  }
  table.end();
  flow.y = top + 62;
}
