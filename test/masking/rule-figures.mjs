// Precision and recall per rule, where one type has many rules: N values of every form in texts of several kinds, beside what only looks like them.
import { FRAMED, TOKENS } from './rule-forms.mjs';
import { seeded } from './random.mjs';

const { createDetector, RULES } = await import('../../dist/libs/detect/src/index.js');

/** Texts a value stands in; none of them names it as an assignment would. */
const AROUND = [
  ['', ''],
  ['Somebody pasted ', ' into the chat.'],
  ['| row 7 | ', ' | done |'],
  ['{"note":"', '","ok":true}'],
  ['see https://', '?x=1'],
  ['(', '), and more.'],
  ['x\n', '\ny'],
  ["cmd --arg '", "' --verbose"],
];
const EACH = 24;

/** The text a pattern of rule-forms.mjs stands for. */
function made(pattern, random) {
  return pattern.replace(/\[([^\]]+)\](?:\{(\d+)(?:,(\d+))?\})?/g, (_, members, least = '1', most = least) => {
    const signs = members.replace(/(\w)-(\w)/g, (_range, from, to) => {
      const [first, last] = [from.charCodeAt(0), to.charCodeAt(0)];
      return String.fromCharCode(...Array.from({ length: last - first + 1 }, (_one, index) => first + index));
    });
    return random.from(signs, random.int(Number(least), Number(most)));
  });
}

/** `[{ rule, text, start, end }]`; no offsets in what only looks like a value. */
function texts() {
  const random = seeded(4_711);
  const all = [];
  const put = (rule, pattern, around, isValue) => {
    const text = made(pattern, random);
    const [from, to] = [text.indexOf('«'), text.indexOf('»')];
    const inner = text.replace(/[«»]/g, '');
    const [start, end] = from < 0 ? [0, inner.length] : [from, to - 1];
    const at = around[0].length;
    all.push({ rule, text: around[0] + inner + around[1], ...(isValue ? { start: at + start, end: at + end } : {}) });
  };
  for (const [rule, values, likes, isFramed] of [...TOKENS, ...FRAMED.map((each) => [...each, true])]) {
    const kinds = isFramed ? AROUND.slice(0, 2).concat([AROUND[6]]) : AROUND;
    for (const [index, pattern] of values.entries())
      for (let count = 0; count < Math.max(2, Math.ceil(EACH / values.length)); count++)
        put(rule, pattern, kinds[(index + count) % kinds.length], true);
    for (const pattern of [...likes, ...(isFramed ? [] : commonLikes(values[0]))])
      for (const around of kinds.slice(0, 2)) put(rule, pattern, around, false);
  }
  return all;
}

/** A value inside a word, one of one sign only, one of words. */
function commonLikes(value) {
  const prefix = value.slice(0, value.indexOf('['));
  return prefix === '' ? [] : [`x${value}`, `${prefix}${'x'.repeat(40)}`, `${prefix}replace-this-with-your-own-value-please`];
}

/** `{ rows: [{ rule, values, likes, precision, recall }], missing }`: rules of secrets without a row. */
export function ruleFigures() {
  const detector = createDetector(['secret']);
  const counts = new Map([...TOKENS, ...FRAMED].map(([rule]) => [rule, { values: 0, likes: 0, found: 0, hit: 0 }]));
  const wrong = [];
  for (const { rule, text, start, end } of texts()) {
    const count = counts.get(rule);
    count[start === undefined ? 'likes' : 'values']++;
    const spans = joined(detector.scan(text));
    let hit = false;
    for (const span of spans) {
      const by = counts.get(nameOf(span.rule));
      if (by !== undefined) by.found++;
      if (nameOf(span.rule) === rule && span.start === start && span.end === end) hit = true;
    }
    if (hit) count.hit++;
    if (hit !== (start !== undefined) || spans.length > (hit ? 1 : 0))
      wrong.push(`${rule}: ${text} -> ${spans.map((span) => `${span.rule} ${text.slice(span.start, span.end)}`).join(', ')}`);
  }
  const rules = RULES.filter(({ type }) => type === 'secret');
  const rows = rules
    .filter(({ id }) => counts.has(nameOf(id)))
    .map(({ id }) => {
      const { values, likes, found, hit } = counts.get(nameOf(id));
      return { rule: id, values, likes, precision: found === 0 ? 1 : hit / found, recall: hit / values };
    });
  return { rows, wrong, missing: rules.map(({ id }) => id).filter((id) => !counts.has(nameOf(id))) };
}

/** A value longer than one span comes in several. */
function joined(spans) {
  const all = [];
  for (const span of spans) {
    const last = all.at(-1);
    if (last !== undefined && last.end === span.start && last.rule === span.rule) last.end = span.end;
    else all.push({ ...span });
  }
  return all;
}

const nameOf = (id) => id.replace(/^secret\./, '').replace(/@\d+$/, '');

export function ruleTable(rows) {
  const lines = rows.map(
    ({ rule, values, likes, precision, recall }) =>
      `| \`${rule}\` | ${values} | ${likes} | ${precision.toFixed(3)} | ${recall.toFixed(3)} |`,
  );
  return ['| rule | values | look-alikes | P | R |', '| --- | --- | --- | --- | --- |', ...lines].join('\n');
}
