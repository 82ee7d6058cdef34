import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENTITY_TYPES, wantedOf } from '../entity-types.js';
import { FORMS } from '../secrets/token-forms.js';
import { ALL_SAMPLES } from '../testing/samples.js';
import { CONTEXT_WORDS } from './context-kinds.js';
import { BLOCK, Sieve } from './sieve.js';
import { Scanner, type Rules } from './stream.js';
import type { Span } from '../port.js';

/** Rules that are asked about everything, with and without scores that matter. */
const everything = { key: 'everything', assess: () => 1 };

/** Sets of types that look at different signs. */
const SETS = [
  ENTITY_TYPES,
  ['us_ssn', 'credit_card', 'us_aba_routing', 'us_bank_account', 'iban', 'email', 'phone', 'secret'],
  ['secret'],
  ['phone'],
  ['us_bank_account'],
  ['credit_card', 'iban'],
  ['ip_address', 'email'],
  ['cusip', 'isin', 'us_ein'],
  ['card_cvv', 'swift_bic', 'date_of_birth'],
  ['card_cvv'],
  ['person'],
  ['street_address', 'us_itin'],
].map((types) => types.join(' '));

function rulesOf(types: string): { readonly rules: Rules; readonly plain: Rules } {
  const wanted = wantedOf(new Set(types.split(' ')));
  const rules: Rules = { wanted, sieve: new Sieve(wanted), patterns: [], steps: null, assessor: everything };
  return { rules, plain: { ...rules, sieve: null } };
}

const KEYS = [
  'password',
  'Passwd',
  'passphrase',
  'pwd',
  'pass',
  'api_key',
  'monkey',
  'SECRET',
  'token',
  'credentials',
  '?sig',
  '&x-amz-signature',
];
const CUES = [
  'Bearer ',
  'Basic ',
  '-u a:',
  '--user ',
  '-----BEGIN ',
  'https://a:',
  'eyJ',
  'born ',
  'rebirth',
  'd.o.b. ',
  'CVV2',
  'security code ',
  'BIC ',
  'swift ',
  'CSC ',
  'cid: ',
  'cardCvv',
  'digits on the back ',
  'verification value ',
  ' (CVV)',
  ' is the security code',
  "' as my cvv2",
  '4111111111111111|12|27|',
  '"378282246310005", "',
  '48=',
  ' is my account number',
  ' (CUSIP)',
];
const FREE = ['Mr. ', 'Mary ', "O'Neil", ' Main St', ', San Jose, CA ', 'ext. 5', ' office', '%B', ';'];
/** In turn: not a byte, a byte beyond ASCII, read as a sign, read as nothing, a pair, half a pair; low bytes of some are those of letters and digits. */
const STRANGE = ['İ', 'Ł', 'ğ', '\u012d', '取', 'ü', '\u0085', '０', '－', '—', '\u200b', '𝟺', '😀', '\ud835'];

const samples = fc.constantFrom(...ALL_SAMPLES);
const cutSample = fc.tuple(samples, fc.nat(80), fc.nat(80)).map(([text, from, to]) => text.slice(Math.min(from, to), Math.max(from, to)));
const words = fc.constantFrom(
  ...KEYS,
  ...CUES,
  ...FREE,
  ...STRANGE,
  ...Object.values(CONTEXT_WORDS).flat(),
  ...FORMS.map(({ prefix }) => prefix),
);
const digits = fc.stringMatching(/^[0-9]{1,14}$/);
const row = fc.stringMatching(/^[(+]{0,2}(?:[0-9]{1,5}[ ./()+:,T-]{1,2}){1,4}[0-9]{0,4}$/);
const signs = fc.stringMatching(/^[-_.,:;=@()+#%"'`\\[\]{}<>|&?!*~\n ]{1,3}$/);
const letters = fc.stringMatching(/^[A-Za-z0-9]{1,24}$/);
const texts = fc
  .array(fc.oneof(samples, cutSample, words, digits, row, signs, letters, fc.constant(' ')), { minLength: 20, maxLength: 120 })
  .map((parts) => parts.join(''));

function streamed(rules: Rules, text: string, size: number): Span[] {
  const scanner = new Scanner(rules);
  const spans: Span[] = [];
  for (let at = 0; at < text.length; at += size) spans.push(...scanner.push(text.slice(at, at + size)));
  return [...spans, ...scanner.end()];
}

describe('the sieve lets nothing through that a rule would take', () => {
  it.each(SETS)('%s', (types) => {
    const { rules, plain } = rulesOf(types);
    fc.assert(
      fc.property(texts, fc.nat(16), (text, shift) => {
        // Every text is tried at both ways to lie in pairs of bytes, and long enough for the sieve.
        const long = `${'.'.repeat(300 + shift)}${text}${' '.repeat(20)}`;
        const spans = new Scanner(plain).whole(long);
        expect(new Scanner(rules).whole(long)).toEqual(spans);
        expect(streamed(rules, long, 700 + shift)).toEqual(spans);
      }),
      { numRuns: 60, endOnFailure: true },
    );
  });

  it.each(SETS)('at the edges of what is looked through at once: %s', (types) => {
    const { rules, plain } = rulesOf(types);
    for (const [index, sample] of ALL_SAMPLES.entries()) {
      const text = `${'a '.repeat((BLOCK - 2 * (index % 20)) / 2)}${sample} and ${sample}`;
      expect(new Scanner(rules).whole(text)).toEqual(new Scanner(plain).whole(text));
    }
  });

  it('in rows of digits longer than any number, also within words', () => {
    for (const types of SETS) {
      const { rules, plain } = rulesOf(types);
      for (const before of ['', ' ', 'a', 'x7', '%B', ';', '(', '+']) {
        for (const length of [1, 5, 6, 12, 19, 63, 64, 65, 66, 200, BLOCK + 100]) {
          const text = `${'.'.repeat(300)}${before}${'4'.repeat(length)}=123456789 `;
          expect(new Scanner(rules).whole(text)).toEqual(new Scanner(plain).whole(text));
        }
      }
    }
  });
});
