import { CONTEXT_REACH } from './window.js';

/** Kinds of words that say what a bare number is. No word is longer than LOOKBACK - CONTEXT_REACH, and no two overlap. */
const WORDS = {
  ssn: /(?<![a-z])(?:ssns?|social[ _-]?sec(?:urity)?|soc\.? sec|taxpayer)(?:[ _-]?(?:number|num|no))?(?![a-z])/gi,
  routing: /(?<![a-z])(?:routing|aba|rtn|transit|fedwire|wires?|wired|ach)(?:number|num|no|code)?(?![a-z])/gi,
  account:
    /(?<![a-z])(?:bank|my|your|customer|user|savings|checking)?(?:accounts?|accts?|a\/c|checking|savings|chequing|deposit)(?:number|num|no|nr|id)?(?![a-z])/gi,
  card: /(?<![a-z])(?:(?:credit|debit|payment|bank)?cards?|credit|debit|visa|mastercard|amex|maestro|discover|cc|pan)(?:number|num|no)?(?![a-z])/gi,
  phone:
    /(?<![a-z])(?:(?:tele|cell|mobile|home|work)?phones?|tel|telefon|call|calling|called|answer|answering|mobile|cell|fax|contact|reach|reached|whatsapp|sms|dial|hotline|ring|landline)(?:number|num|no)?(?![a-z])/gi,
} as const;

export type ContextKind = keyof typeof WORDS;

/** Positions of context words in one text, found once per kind and only when some number asks. */
export class Context {
  private readonly found = new Map<ContextKind, readonly (readonly [number, number])[]>();

  constructor(private readonly text: string) {}

  /** End of the nearest word of the kind that lies wholly within CONTEXT_REACH units before `start`; -1 when there is none. */
  nearest(kind: ContextKind, start: number): number {
    const words = this.words(kind);
    let low = 0;
    let high = words.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((words[middle] as readonly [number, number])[1] <= start) low = middle + 1;
      else high = middle;
    }
    const last = words[low - 1];
    return last !== undefined && last[0] >= start - CONTEXT_REACH ? last[1] : -1;
  }

  private words(kind: ContextKind): readonly (readonly [number, number])[] {
    let words = this.found.get(kind);
    if (words === undefined) {
      words = Array.from(this.text.matchAll(WORDS[kind]), (match) => [match.index, match.index + match[0].length] as const);
      this.found.set(kind, words);
    }
    return words;
  }
}
