/** Kinds of words that say what a bare number is. */
export const CONTEXT_KINDS = ['ssn', 'routing', 'account', 'phone', 'card', 'itin', 'ein', 'cusip', 'item'] as const;
export type ContextKind = (typeof CONTEXT_KINDS)[number];

/** The kinds as a set of bits. */
export function contextMask(kinds: readonly ContextKind[]): number {
  return kinds.reduce((mask, kind) => mask | (1 << CONTEXT_KINDS.indexOf(kind)), 0);
}

const NUMBER = ['', 'number', 'num', 'no', 'nr'];
const each = (befores: readonly string[], words: readonly string[], afters: readonly string[]): string[] =>
  befores.flatMap((before) => words.flatMap((word) => afters.map((after) => before + word + after)));

/** Whole words, lower case; compounds as they stand in member names (`accountNumber`). None is longer than LOOKBACK - CONTEXT_REACH. */
export const CONTEXT_WORDS: Readonly<Record<ContextKind, readonly string[]>> = {
  ssn: each([''], ['ssn', 'ssns', 'taxpayer', 'socialsecurity'], NUMBER),
  routing: each(['', 'bank'], ['routing', 'aba', 'rtn', 'transit', 'fedwire', 'wire', 'wires', 'wired', 'ach'], [...NUMBER, 'code']),
  account: each(
    ['', 'bank', 'my', 'your', 'customer', 'user', 'savings', 'checking'],
    ['account', 'accounts', 'acct', 'accts', 'checking', 'savings', 'chequing', 'deposit'],
    [...NUMBER, 'id'],
  ),
  phone: [
    ...each(['', 'tele', 'cell', 'mobile', 'home', 'work'], ['phone', 'phones'], NUMBER),
    ...each([''], ['tel', 'mobile', 'cell', 'fax', 'contact', 'whatsapp', 'hotline', 'landline', 'telefon'], NUMBER),
    ...each(
      [''],
      ['call', 'calling', 'called', 'answer', 'answering', 'reach', 'reached', 'sms', 'dial', 'ring', 'texting', 'texted'],
      [''],
    ),
  ],
  card: each(
    ['', 'credit', 'debit', 'payment', 'bank'],
    ['card', 'cards', 'credit', 'debit', 'visa', 'mastercard', 'amex', 'maestro', 'discover', 'cc', 'pan'],
    NUMBER,
  ),
  itin: each([''], ['itin', 'itins', 'tin', 'tins'], NUMBER),
  ein: each([''], ['ein', 'eins', 'fein', 'feins', 'taxid', 'employer', 'employerid'], NUMBER),
  item: each(
    [''],
    ['order', 'invoice', 'ticket', 'case', 'claim', 'reference', 'ref', 'policy', 'tracking', 'transaction', 'incident', 'booking', 'item'],
    [...NUMBER, 'id'],
  ),
  cusip: each([''], ['cusip', 'cusips', 'cins'], [...NUMBER, 'id', 'code']),
};
