// Random texts of values, disguises and noise, cut at random: seeded anew in each run, and the seed is printed, so that a failure can be repeated.
import fc from 'fast-check';
import { seeded } from './random.mjs';
import * as make from './values.mjs';

const { compilePattern, createDetector, createPlaceholder, createTextMasker, ENTITY_TYPES, maskText } =
  await import('../../dist/libs/detect/src/index.js');

const MAKERS = ['card', 'ssn', 'itin', 'ein', 'routing', 'account', 'iban', 'bic', 'cusip', 'isin', 'date', 'email', 'phone', 'nationalPhone', 'ip', 'secret', 'password', 'person', 'address']; // prettier-ignore
const value = fc.tuple(fc.constantFrom(...MAKERS), fc.nat()).map(([name, seed]) => make[name](seeded(seed)));
const lead = fc.constantFrom('SSN ', 'card ', 'account number: ', 'CVV ', 'born ', 'BIC ', 'CUSIP ', 'EIN ', 'password=', 'call ', 'Mr. ', 'Bearer ', '%B', ';', '-----BEGIN RSA PRIVATE KEY-----\n', 'eyJhbGciOiJIUzI1NiJ9.'); // prettier-ignore
const noise = fc.oneof(
  fc.constantFrom(' ', '\n', ', ', '. ', '"', '\\', '-', '^', '?', '=', '123', '😀', '\ud835', '\udfd9', '\u200b', 'é', '1'.repeat(70)),
  fc.string({ maxLength: 8, unit: 'binary' }),
);
const disguise = (text, how) => {
  if (how === 1) return text.replace(/[!-~]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) + 0xfee0));
  if (how === 2) return [...text].join('\u200b');
  if (how === 3) return text.replace(/\d/g, (digit) => String.fromCodePoint(0x1d7d8 + Number(digit)));
  if (how === 4) return text.replace(/ /g, '\u00a0').replace(/-/g, '\u2011');
  return text;
};
const disguised = fc.tuple(value, fc.constantFrom(0, 0, 0, 1, 2, 3, 4)).map(([text, how]) => disguise(text, how));
const texts = fc
  .array(fc.oneof({ weight: 2, arbitrary: disguised }, { weight: 2, arbitrary: lead }, { weight: 2, arbitrary: noise }), { maxLength: 9 })
  .map((parts) => parts.join(''));
const sizes = fc.array(fc.integer({ min: 1, max: 24 }), { minLength: 1, maxLength: 8 });

const patterns = [
  compilePattern({ name: 'own', regex: 'EMP-\\d+|[a-c]{2,}x' }),
  compilePattern({ name: 'list', words: ['card', 'account number', 'abc'] }),
];
const detector = createDetector([...ENTITY_TYPES, 'own', 'list'], patterns);
const placeholder = createPlaceholder(Buffer.from('random cases'));
const mask = (text) => maskText(text, detector.scan(text), placeholder);

function inPieces(text, lengths, take) {
  for (let at = 0, turn = 0; at < text.length; turn++) {
    const size = lengths[turn % lengths.length];
    take(text.slice(at, at + size));
    at += size;
  }
}

const PROPERTIES = {
  'a stream gives the spans of the whole text': [
    [texts, sizes],
    (text, lengths) => {
      const stream = detector.open();
      const spans = [];
      inPieces(text, lengths, (piece) => spans.push(...stream.push(piece)));
      spans.push(...stream.end());
      return JSON.stringify(spans) === JSON.stringify(detector.scan(text)) && stream.settled === text.length;
    },
  ],
  'what is masked in pieces is what is masked whole': [
    [texts, sizes],
    (text, lengths) => {
      const masker = createTextMasker(detector, placeholder);
      let out = '';
      inPieces(text, lengths, (piece) => (out += masker.push(piece).text));
      return out + masker.end().text === mask(text);
    },
  ],
  'a value in any disguise is masked whole': [
    [fc.nat(), fc.constantFrom('card', 'ssn', 'iban', 'email', 'secret', 'itin'), fc.constantFrom(0, 1, 2, 3, 4)],
    (seed, name, how) => {
      const text = disguise(make[name](seeded(seed)), how);
      const masked = mask(`note: ${text} .`);
      return /^note: \[[A-Z_]+:[0-9a-f]{8}\] \.$/.test(masked);
    },
  ],
};

/** `[name, problem or null]` for each property. */
export function* cases(numRuns) {
  const seed = Number(process.env.MASKING_SEED ?? Date.now() % 2 ** 31);
  console.log(`\nrandom cases, seed ${seed} (MASKING_SEED repeats it)`);
  for (const [name, [arbitraries, holds]] of Object.entries(PROPERTIES)) {
    const result = fc.check(fc.property(...arbitraries, holds), { numRuns, seed });
    yield [name, result.failed ? `counterexample ${JSON.stringify(result.counterexample)}` : null];
  }
}
