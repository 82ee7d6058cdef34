import { isAlnum, isToken } from '../engine/characters.js';
import { VERIFIED, type Candidate, type Findings, type Window } from '../engine/window.js';
import { entropy } from './entropy.js';
import { FORMS, LONG, type TokenForm } from './token-forms.js';

/** Longest beginning of a token that may stand at the end of a piece before its pivot: what a stream holds back. */
export const TOKEN_TAIL = Math.max(...FORMS.map(({ prefix, lead }) => prefix.length + lead));

/** Signs at which some form is looked for. */
export const TOKEN_TRIGGERS = [...new Set(FORMS.map(({ prefix, pivot }) => prefix.charAt(Math.max(0, pivot))))].join('');

/** Forms by the three units that end at their pivot, and by those that begin the prefix. */
const BY_PIVOT = new Map<number, TokenForm[]>();
const BY_FIRST = new Map<number, TokenForm[]>();
/** By two units: a bit for every sign that some form has at its pivot behind them, or before them at its beginning. Exact, and one look. */
const ENDS = new Uint16Array(1 << 14);
const BEGINS = new Uint16Array(1 << 14);
const BIT = new Uint16Array(128);
for (const [index, sign] of Array.from(TOKEN_TRIGGERS).entries()) BIT[sign.charCodeAt(0)] = 1 << index;
for (const form of FORMS) {
  const { prefix, pivot } = form;
  const from = pivot < 0 ? 0 : pivot - 2;
  // A prefix of two signs is told by the last unit in front of it too.
  const firsts = from >= 0 ? [prefix.charCodeAt(from)] : Array.from('0123456789', (digit) => digit.charCodeAt(0));
  const [second, third] = [prefix.charCodeAt(from + 1), prefix.charCodeAt(from + 2)];
  for (const first of firsts) {
    const forms = pivot < 0 ? BY_FIRST : BY_PIVOT;
    const key = unitsKey(first, second, third);
    forms.set(key, [...(forms.get(key) ?? []), form]);
    if (pivot < 0) setBit(BEGINS, second, third, first);
    else setBit(ENDS, first, second, third);
  }
}

function unitsKey(first: number, second: number, third: number): number {
  return (first * 128 + second) * 128 + third;
}

function setBit(table: Uint16Array, left: number, right: number, sign: number): void {
  table[left * 128 + right] = (table[left * 128 + right] as number) | (BIT[sign] as number);
}

/** Whether some form has these three units, the last at its pivot. True also for what is not ASCII and looks the same in its low bits. */
export function mayEndPrefix(first: number, second: number, sign: number): boolean {
  return ((ENDS[((first & 127) << 7) | (second & 127)] as number) & (BIT[sign & 127] as number)) !== 0;
}

/** Whether some form that is told by its first unit begins with these three; as mayEndPrefix(). */
export function mayBeginPrefix(sign: number, second: number, third: number): boolean {
  return ((BEGINS[((second & 127) << 7) | (third & 127)] as number) & (BIT[sign & 127] as number)) !== 0;
}

/** Every token whose prefix is told by the unit at `trigger`. */
export function tokensAt(window: Window, trigger: number, findings: Findings): void {
  const { text } = window;
  const unit = (offset: number): number => text.charCodeAt(trigger + offset);
  if (mayEndPrefix(unit(-2), unit(-1), unit(0))) take(window, trigger, BY_PIVOT.get(unitsKey(unit(-2), unit(-1), unit(0))), findings);
  if (mayBeginPrefix(unit(0), unit(1), unit(2))) take(window, trigger, BY_FIRST.get(unitsKey(unit(0), unit(1), unit(2))), findings);
}

function take(window: Window, trigger: number, forms: readonly TokenForm[] | undefined, findings: Findings): void {
  if (forms === undefined) return;
  for (const form of forms) {
    const start = trigger - Math.max(0, form.pivot) - form.lead;
    if (start < 0 || isBoundToken(window.at(start - 1)) || !findings.begin(start)) continue;
    const found = token(window, start, form);
    findings.add(found);
    findings.finish(start);
    if (found !== null) return;
  }
}

const isBoundToken = (code: number): boolean => isAlnum(code) || code === 95;

/** The token of this form that begins at `start`; never one inside a word. */
function token(window: Window, start: number, form: TokenForm): Candidate | null {
  const { prefix, rule, min, max, random, body: looks, signs, lead, leading, score } = form;
  if (!window.startsWith(prefix, start + lead)) return null;
  if (leading !== null && !leading.test(window.text.slice(start, start + lead))) return null;
  const body = start + lead + prefix.length;
  let end = body;
  while (end - body < max + 1 && isBody(window, end, signs)) end++;
  const length = end - body;
  if (length < min || (max !== LONG && length > max)) return null;
  const value = window.text.slice(body, end);
  if (isPlaceholder(value)) return null;
  if (random && !(/\d/.test(value) && entropy(value) >= 3)) return null;
  if (looks !== null && !looks.test(value)) return null;
  if (length > max)
    return { start, end: body + max, type: 'secret', rule, score, strength: VERIFIED, more: signs === '' ? 'token' : 'value' };
  return { start, end, type: 'secret', rule, score, strength: VERIFIED };
}

/** One sign again and again, or words parted by dashes: `ghp_xxxxxxxx`, `sk-ant-your-key-goes-here`. No random token of these lengths looks like that. */
function isPlaceholder(value: string): boolean {
  return (
    entropy(value) < 1 || /(.)\1{15}$/.test(value) || /^(?:[a-z]+(?:[_-][a-z]+)+|[A-Z]+(?:[_-][A-Z]+)+)$|(?:[_-][a-z]{3,}){3,}$/.test(value)
  );
}

/** A dot belongs to a token only where more of it follows: it may end the sentence. */
function isBody(window: Window, index: number, signs: string): boolean {
  const code = window.at(index);
  if (isToken(code)) return true;
  if (code < 0 || signs === '' || !signs.includes(String.fromCharCode(code))) return false;
  return code !== 46 || isToken(window.at(index + 1));
}

/** Rules and the prefixes each looks for. */
export const TOKEN_RULES: readonly { readonly rule: string; readonly prefixes: readonly string[] }[] = [
  ...new Set(FORMS.map(({ rule }) => rule)),
].map((rule) => ({
  rule,
  prefixes: [
    ...new Set(
      FORMS.filter((each) => each.rule === rule).map(({ prefix, lead }) => (lead > 0 ? `…${prefix}` : prefix.replace(/^SK.$/, 'SK'))),
    ),
  ],
}));
