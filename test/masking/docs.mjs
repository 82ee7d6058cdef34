// The generated parts of docs/reference/detectors.md, each between `<!-- begin NAME -->` and `<!-- end NAME -->`.
import { table } from './table.mjs';

export const page = new URL('../../docs/reference/detectors.md', import.meta.url);

const { RULES } = await import('../../dist/libs/detect/src/index.js');

export function rulesTable() {
  const rows = RULES.map(({ id, type, provenance, finds }) => `| \`${type}\` | \`${id}\` | ${finds} | ${provenance} |`);
  return ['| type | rule | finds | defined by |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function bounds(text, name) {
  const [from, to] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  if (!text.includes(from) || !text.includes(to)) throw new Error(`docs/reference/detectors.md has no part "${name}"`);
  return [text.indexOf(from) + from.length, text.indexOf(to)];
}

export function withSection(text, name, body) {
  const [from, to] = bounds(text, name);
  return `${text.slice(0, from)}\n\n${body}\n\n${text.slice(to)}`;
}

const cellsOf = (markdown) =>
  markdown
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

/** Whether the page has our own columns of these rows; Presidio's are compared only where they were measured. */
export const sameFigures = (text, name, rows) => sameTable(text, name, table(rows));

/** Whether the page has this table, but for cells that are empty here. */
export function sameTable(text, name, markdown) {
  const there = cellsOf(text.slice(...bounds(text, name)));
  const here = cellsOf(markdown);
  return here.length === there.length && here.every((row, at) => row.every((cell, column) => cell === '' || cell === there[at][column]));
}
