import { RULES } from '../rules.js';

const BEGIN = '<!-- rules: from libs/detect/src/rules.ts -->';
const END = '<!-- end of rules -->';

/** The table of docs/reference/detectors.md. */
export function rulesTable(): string {
  const rows = RULES.map(({ id, type, provenance, finds }) => `| \`${type}\` | \`${id}\` | ${finds} | ${provenance} |`);
  return ['| type | rule | finds | defined by |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** The page with the table put in. */
export function withRulesTable(page: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  return `${page.slice(0, from + BEGIN.length)}\n\n${rulesTable()}\n\n${page.slice(to)}`;
}

/** Tables alike but for the widths of their columns. */
export function sameTables(a: string, b: string): boolean {
  const plain = (text: string): string => text.replace(/[ -]+/g, ' ');
  return plain(a) === plain(b);
}
