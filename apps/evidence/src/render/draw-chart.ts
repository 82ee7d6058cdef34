import type { ChartBlock } from './blocks.js';
import type { Flow } from './flow.js';
import { CONTENT_WIDTH, INK, PAGE, SERIES_STYLE } from './theme.js';

export const CHART_HEIGHT = 168;
const PLOT = { left: 44, top: 26, bottom: 30, right: 6 } as const;

/** A vector drawing as one Figure with its alternative text; its numbers stand in the table that follows. */
export function drawChart(flow: Flow, block: ChartBlock): void {
  const { canvas } = flow;
  flow.ensure(CHART_HEIGHT + 40);
  const top = flow.y;
  const figure = canvas.child(flow.section, 'Figure', {
    alt: block.alt,
    bbox: [PAGE.left, top, PAGE.left + CONTENT_WIDTH, top + CHART_HEIGHT],
  });
  canvas.tagged(figure, 'Figure', () => paint(flow, block, top));
  figure.end();
  flow.y = top + CHART_HEIGHT + 8;
}

function paint(flow: Flow, block: ChartBlock, top: number): void {
  const { doc } = flow.canvas;
  const area = {
    x: PAGE.left + PLOT.left,
    y: top + PLOT.top,
    width: CONTENT_WIDTH - PLOT.left - PLOT.right,
    height: CHART_HEIGHT - PLOT.top - PLOT.bottom,
  };
  const totals = block.categories.map((_, index) =>
    block.kind === 'lines'
      ? Math.max(0, ...block.series.map(({ values }) => values[index] ?? 0))
      : block.series.reduce((sum, { values }) => sum + (values[index] ?? 0), 0),
  );
  const ceiling = niceCeiling(Math.max(1, ...totals));
  flow.canvas.font('bold', 8.5);
  flow.canvas.line(`${flow.canvas.clean(block.title, 'bold')} `, PAGE.left, top, INK.text);
  legend(flow, block, top + 12.5);
  flow.canvas.font('body', 6.6);
  for (let step = 0; step <= 4; step++) {
    const y = area.y + area.height - (area.height * step) / 4;
    doc
      .moveTo(area.x, y)
      .lineTo(area.x + area.width, y)
      .lineWidth(step === 0 ? 0.8 : 0.4)
      .strokeColor(step === 0 ? INK.muted : INK.rule)
      .stroke();
    const label = compact((ceiling * step) / 4);
    flow.canvas.line(`${label} `, area.x - 5 - flow.canvas.measure(label), y - 4, INK.muted);
  }
  const slot = area.width / Math.max(1, block.categories.length);
  if (block.kind === 'lines') paintLines(flow, block, area, ceiling, slot);
  else paintBars(flow, block, area, ceiling, slot);
  flow.canvas.font('body', 6.6);
  const labels = shortened(block.categories).map((label) => fit(flow, flow.canvas.clean(label, 'body'), 96));
  const widest = Math.max(0, ...labels.map(flow.canvas.measure)) + 10;
  const every = Math.max(1, Math.ceil(widest / slot));
  for (const [index, text] of labels.entries()) {
    if (index % every !== 0) continue;
    const wide = flow.canvas.measure(text);
    const x = Math.min(area.x + slot * (index + 0.5) - wide / 2, area.x + area.width - wide);
    flow.canvas.line(`${text} `, x, area.y + area.height + 5, INK.muted);
  }
  flow.canvas.line(`${flow.canvas.clean(block.unit, 'body')} `, area.x, area.y + area.height + 17, INK.muted);
}

interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function paintBars(flow: Flow, block: ChartBlock, area: Area, ceiling: number, slot: number): void {
  const width = Math.min(46, slot * 0.72);
  for (let index = 0; index < block.categories.length; index++) {
    let y = area.y + area.height;
    for (const [number, { values }] of block.series.entries()) {
      const height = ((values[index] ?? 0) / ceiling) * area.height;
      if (height <= 0) continue;
      y -= height;
      swatch(flow, number, area.x + slot * index + (slot - width) / 2, y, width, height);
    }
  }
}

function paintLines(flow: Flow, block: ChartBlock, area: Area, ceiling: number, slot: number): void {
  const { doc } = flow.canvas;
  for (const [number, { values }] of block.series.entries()) {
    const style = SERIES_STYLE[number % SERIES_STYLE.length] ?? SERIES_STYLE[0];
    const points = block.categories.map(
      (_, index) => [area.x + slot * (index + 0.5), area.y + area.height - ((values[index] ?? 0) / ceiling) * area.height] as const,
    );
    for (const [index, [x, y]] of points.entries()) {
      if (index === 0) doc.moveTo(x, y);
      else doc.lineTo(x, y);
    }
    doc.lineWidth(1.1).strokeColor(style.fill);
    if (number > 0) doc.dash(number * 2 + 1, { space: 2 });
    doc.stroke().undash();
    for (const [x, y] of points.length <= 40 ? points : []) marker(flow, number, x, y);
  }
}

/** A shape of its own per line, so that lines are told apart without colour. */
function marker(flow: Flow, number: number, x: number, y: number): void {
  const { doc } = flow.canvas;
  const style = SERIES_STYLE[number % SERIES_STYLE.length] ?? SERIES_STYLE[0];
  if (number === 0) doc.circle(x, y, 1.9);
  else if (number === 1) doc.rect(x - 1.8, y - 1.8, 3.6, 3.6);
  else doc.polygon([x, y - 2.4], [x + 2.2, y + 1.6], [x - 2.2, y + 1.6]);
  doc.fill(style.fill);
}

/** A filled box with the hatch of its series. */
function swatch(flow: Flow, number: number, x: number, y: number, width: number, height: number): void {
  const { doc } = flow.canvas;
  const style = SERIES_STYLE[number % SERIES_STYLE.length] ?? SERIES_STYLE[0];
  doc.rect(x, y, width, height).fill(style.fill);
  if (style.hatch !== 'none' && height > 1 && width > 1) {
    doc.save().rect(x, y, width, height).clip();
    const step = 4;
    doc.lineWidth(0.7).strokeColor(INK.paper);
    if (style.hatch === 'horizontal' || style.hatch === 'cross')
      for (let at = y + 2; at < y + height; at += step) doc.moveTo(x, at).lineTo(x + width, at);
    if (style.hatch === 'vertical' || style.hatch === 'cross')
      for (let at = x + 2; at < x + width; at += step) doc.moveTo(at, y).lineTo(at, y + height);
    if (style.hatch === 'diagonal')
      for (let at = -height; at < width; at += step) doc.moveTo(x + at, y + height).lineTo(x + at + height, y);
    doc.stroke().restore();
  }
}

function legend(flow: Flow, block: ChartBlock, y: number): void {
  let x: number = PAGE.left + PLOT.left;
  flow.canvas.font('body', 6.8);
  for (const [number, { label }] of block.series.entries()) {
    if (block.kind === 'lines') marker(flow, number, x + 4, y + 4);
    else swatch(flow, number, x, y, 9, 7);
    flow.canvas.font('body', 6.8);
    flow.canvas.line(`${flow.canvas.clean(label, 'body')} `, x + 12, y - 0.5, INK.text);
    x += 12 + flow.canvas.measure(label) + 14;
  }
}

/** Days need no clock time, hours of one day no date. */
function shortened(labels: readonly string[]): readonly string[] {
  if (labels.length > 1 && labels.every((label) => label.endsWith(' 00:00'))) return labels.map((label) => label.slice(0, 10));
  const day = labels[0]?.slice(0, 11) ?? '';
  if (/^\d{4}-\d{2}-\d{2} $/.test(day) && labels.every((label) => label.startsWith(day))) return labels.map((label) => label.slice(11));
  return labels;
}

function fit(flow: Flow, text: string, width: number): string {
  let out = text;
  while (out.length > 1 && flow.canvas.measure(out) > width) out = out.slice(0, -1);
  return out === text ? text : `${out.slice(0, -1)}…`;
}

/** Least 1, 2, 4, 5 or 8 x 10^n that is not below `value`, so that quarters are readable. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  for (const step of [1, 2, 4, 5, 8, 10]) if (step * power >= value) return Math.max(4, step * power);
  return value;
}

function compact(value: number): string {
  if (value >= 1e9) return `${trim(value / 1e9)}G`;
  if (value >= 1e6) return `${trim(value / 1e6)}M`;
  return value >= 10_000 ? `${trim(value / 1e3)}k` : trim(value);
}

const trim = (value: number): string => String(Math.round(value * 100) / 100);
