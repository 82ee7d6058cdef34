/** What a regular expression, or a part of one, can match. `bound` = turns allowed to a repetition that has no upper bound of its own. */
export interface Extent {
  /** UTF-16 units of the shortest match. */
  readonly min: number;
  /** UTF-16 units of the longest match. */
  readonly max: (bound: number) => number;
  /** The same expression with every repetition bounded. */
  readonly source: (bound: number) => string;
  /** An expression for every beginning of a match, the empty one and the whole one included. Assertions are left out, so it may match more. */
  readonly prefix: (bound: number) => string;
}

export interface Analysis extends Extent {
  /** Has a repetition without upper bound. */
  readonly unbounded: boolean;
  /** `^`, `$`, `\A` or `\z` that stand for the ends of the whole text. */
  readonly anchored: boolean;
}

/** Measures an expression that the RE2 engine has already accepted (https://github.com/google/re2/wiki/Syntax). Where it is unsure it over-estimates. */
export function analyse(source: string): Analysis {
  return new Reader(source).read();
}

function single(source: string, length: number): Extent {
  return { min: 1, max: () => length, source: () => source, prefix: () => `(?:${source})?` };
}

/** An assertion or a flag: matches nothing itself. */
function nothing(source: string): Extent {
  return { min: 0, max: () => 0, source: () => source, prefix: () => '' };
}

function sequence(parts: readonly Extent[]): Extent {
  return {
    min: parts.reduce((sum, part) => sum + part.min, 0),
    max: (bound) => parts.reduce((sum, part) => sum + part.max(bound), 0),
    source: (bound) => parts.map((part) => part.source(bound)).join(''),
    prefix: (bound) =>
      parts.reduceRight((rest, part) => (part.max(bound) === 0 ? rest : `(?:${part.source(bound)}${rest}|${part.prefix(bound)})`), ''),
  };
}

function repeat(part: Extent, min: number, max: number, lazy: string): Extent {
  const most = (bound: number): number => (max === Number.POSITIVE_INFINITY ? min + bound : max);
  return {
    min: min * part.min,
    max: (bound) => most(bound) * part.max(bound),
    source: (bound) => `(?:${part.source(bound)}){${min},${most(bound)}}${lazy}`,
    prefix: (bound) => (most(bound) === 0 ? '' : `(?:(?:${part.source(bound)}){0,${most(bound) - 1}}${part.prefix(bound)})`),
  };
}

class Reader {
  private at = 0;
  private multiline = false;
  private anchored = false;
  private unbounded = false;
  private flags = '';

  private readonly text: string;

  constructor(source: string) {
    // `\Q...\E` as single escaped characters, so that what repeats is the last of them.
    this.text = source.replace(/\\Q([\s\S]*?)(?:\\E|$)|\\[\s\S]/g, (whole: string, literal: string | undefined) =>
      literal === undefined ? whole : literal.replace(/[^\w\s]/g, '\\$&'),
    );
  }

  read(): Analysis {
    const { min, max, source, prefix } = this.alternatives();
    // Flags may stand anywhere; for beginnings it is enough that they hold everywhere.
    const everywhere = `(?s${this.flags})`;
    return { min, max, source, prefix: (bound) => everywhere + prefix(bound), unbounded: this.unbounded, anchored: this.anchored };
  }

  private alternatives(): Extent {
    const all = [this.sequence()];
    while (this.text[this.at] === '|') {
      this.at++;
      all.push(this.sequence());
    }
    if (all.length === 1) return all[0] as Extent;
    return {
      min: Math.min(...all.map(({ min }) => min)),
      max: (bound) => Math.max(...all.map(({ max }) => max(bound))),
      source: (bound) => all.map(({ source }) => source(bound)).join('|'),
      prefix: (bound) => `(?:${all.map(({ prefix }) => prefix(bound)).join('|')})`,
    };
  }

  private sequence(): Extent {
    const parts: Extent[] = [];
    while (this.at < this.text.length && this.text[this.at] !== '|' && this.text[this.at] !== ')') parts.push(this.repeated(this.atom()));
    return sequence(parts);
  }

  private repeated(atom: Extent): Extent {
    const sign = this.text[this.at];
    let [min, max] = [1, 1];
    if (sign === '*' || sign === '+' || sign === '?') {
      [min, max] = [sign === '+' ? 1 : 0, sign === '?' ? 1 : Number.POSITIVE_INFINITY];
      this.at++;
    } else {
      const counted = sign === '{' ? /^\{(\d+)(,?)(\d*)\}/.exec(this.text.slice(this.at)) : null;
      if (counted === null) return atom;
      min = Number(counted[1]);
      max = counted[2] === '' ? min : counted[3] === '' ? Number.POSITIVE_INFINITY : Number(counted[3]);
      this.at += counted[0].length;
    }
    const lazy = this.text[this.at] === '?' ? '?' : '';
    this.at += lazy.length;
    if (max === Number.POSITIVE_INFINITY) this.unbounded = true;
    return repeat(atom, min, max, lazy);
  }

  private atom(): Extent {
    const from = this.at;
    const character = this.text[from] as string;
    if (character === '(') return this.group();
    if (character === '\\') return this.escape();
    if (character === '[') {
      const matched = /^\[\^?\]?(?:\[:\^?\w+:\]|\\[pP]\{[^}]*\}|\\x\{[^}]*\}|\\[\s\S]|[^\]\\])*\]/.exec(
        this.text.slice(from),
      ) as RegExpExecArray;
      this.at += matched[0].length;
      const wide = /^\[\^|\\[pPDWSx]|\[:\^|[\ud800-\udfff]/.test(matched[0]);
      return single(matched[0], wide ? 2 : 1);
    }
    const length = String.fromCodePoint(this.text.codePointAt(from) as number).length;
    this.at += length;
    if (character === '^' || character === '$') {
      if (!this.multiline) this.anchored = true;
      return nothing(character);
    }
    return single(this.text.slice(from, this.at), character === '.' ? 2 : length);
  }

  private group(): Extent {
    const before = this.multiline;
    const opening = /^\((?:\?(?:P?<[^>]*>|([a-zA-Z-]*)([:)])))?/.exec(this.text.slice(this.at)) as RegExpExecArray;
    this.at += opening[0].length;
    const [on = '', off = ''] = (opening[1] ?? '').split('-');
    if (on.includes('m')) this.multiline = true;
    if (off.includes('m')) this.multiline = false;
    if (on.includes('i')) this.flags = 'i';
    // Flags alone hold until the enclosing group ends.
    if (opening[2] === ')') return nothing(opening[0]);
    const inner = this.alternatives();
    this.at++;
    this.multiline = before;
    return { ...inner, source: (bound) => `${opening[0]}${inner.source(bound)})` };
  }

  private escape(): Extent {
    const rest = this.text.slice(this.at);
    const matched = /^\\(?:[pP](?:\{[^}]*\}|.)|x\{[0-9a-fA-F]+\}|x[0-9a-fA-F]{2}|[0-7]{1,3}|[\s\S])/.exec(rest) as RegExpExecArray;
    this.at += matched[0].length;
    const kind = matched[0][1] as string;
    if (kind === 'A' || kind === 'z') this.anchored = true;
    if ('bBAz'.includes(kind)) return nothing(matched[0]);
    return single(matched[0], 'pPDWSCx'.includes(kind) ? 2 : 1);
  }
}
