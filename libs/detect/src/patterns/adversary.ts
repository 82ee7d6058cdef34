import type { Instruction, Program } from './work.js';

// Operations of re2js; work.unit.spec.ts notices when they change.
const [ALT, ALT_MATCH, FAIL, MATCH, RUNE, RUNE1, RUNE_ANY, RUNE_ANY_NOT_NL] = [1, 2, 5, 6, 8, 9, 10, 11];

/** Units of each text. */
export const HOSTILE_UNITS = 1024;
const MAX_SIGNS = 24;
/** Steps of one walk through the program. */
const MAX_WALK = 4096;
/** Ordinary texts, repeated. */
const ORDINARY = [
  'The customer of 35 years, Ann B., asked on 2026-01-31 about fee 1,204.50 (ref. AB-1234). ',
  '{"id":4711,"name":"x_y","t":"10:30:00"},\n',
];

/**
 * Texts written against a program, always the same: rows of each of its signs, signs in disorder, beginnings of matches broken off and wall to wall
 * matches, ordinary text. Behind each stands a match, so that no look for a needed word spares the search.
 */
export function hostileTexts(program: Program): string[] {
  const random = new Random();
  const signs = signsOf(program);
  const match = walk(program, random, 0.5, 0) || walk(program, random, 0.2, 0);
  const fill = (piece: () => string): string => {
    let text = '';
    while (text.length < HOSTILE_UNITS - match.length) text += piece() || 'x';
    return text.slice(0, Math.max(0, HOSTILE_UNITS - match.length)) + match;
  };
  const row = Math.max(1, Math.floor(HOSTILE_UNITS / signs.length));
  let next = 0;
  return [
    fill(() => (signs[next++ % signs.length] as string).repeat(row)),
    fill(() => random.pick(signs)),
    fill(() => random.pick(signs.slice(0, 3))),
    fill(() => walk(program, random, 0.95, 0.04)),
    fill(() => walk(program, random, 0.6, 0.15)),
    fill(() => walk(program, random, 0.9, 0)),
    ...ORDINARY.map((text) => fill(() => text)),
  ];
}

/** Signs that the program tells apart: the first of each range. */
function signsOf({ inst }: Program): string[] {
  const signs = new Set<string>();
  for (const { op, runes } of inst) {
    if (op < RUNE || op > RUNE_ANY_NOT_NL) continue;
    if (op === RUNE_ANY || op === RUNE_ANY_NOT_NL) signs.add('x');
    for (let index = 0; index < Math.min(runes.length, 6) && signs.size < MAX_SIGNS; index += 2) signs.add(sign(runes[index] as number));
  }
  return [...signs, ' '];
}

const sign = (rune: number): string => (rune < 9 || (rune >= 0xd800 && rune < 0xe000) ? 'x' : String.fromCodePoint(rune));

/** What the program takes on a way at random. `on`: chance to follow its first choice. `off`: chance, after each sign, to break off. Empty when no way ended. */
function walk({ inst, start }: Program, random: Random, on: number, off: number): string {
  let text = '';
  let pc = start;
  for (let step = 0; step < MAX_WALK; step++) {
    const { op, out, arg, runes } = inst[pc] as Instruction;
    if (op === MATCH) return text;
    if (op === FAIL) return '';
    if (op === ALT || op === ALT_MATCH) pc = random.next() < on ? out : arg;
    else {
      if (op >= RUNE && op <= RUNE_ANY_NOT_NL) {
        text += op === RUNE1 || op === RUNE ? sign(runes[random.below((runes.length + 1) >> 1) * 2] ?? 120) : 'x';
        if (text.length > HOSTILE_UNITS || random.next() < off) return text.slice(0, HOSTILE_UNITS);
      }
      pc = out;
    }
  }
  return '';
}

/** Numerical Recipes' linear congruence: the same numbers everywhere. */
class Random {
  private state = 20_261_126;

  next(): number {
    this.state = (Math.imul(this.state, 1_664_525) + 1_013_904_223) >>> 0;
    return this.state / 2 ** 32;
  }

  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
}
