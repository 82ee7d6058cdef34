// Texts and patterns made to be slow. Time is CPU time of this process, compared between lengths, with bounds far above what is measured.
const { compilePattern, createDetector, ENTITY_TYPES } = await import('../../dist/libs/detect/src/index.js');

const UNITS = ['a', '1', '1 ', '1-', '@', 'a@', 'a.b@c.', '-----BEGIN ', '-----BEGIN RSA PRIVATE KEY-----', 'eyJ', 'eyJhbGciOiJIUzI1NiJ9.', 'sk-', 'password=', 'password="', '::', '1:', '+(', '(1)', 'DE89 ', 'https://a:', '4111 ', '%B1', ';1', '%B4111111111111111^', 'born ', 'CVV ', 'BIC A', 'Mary ', '1 Main ', 'US0', '\u200b', '1\u200b', '𝟏', '\ud835', '[US_SSN:']; // prettier-ignore

/** Patterns that make backtracking engines hang, with a text that does it. */
const PATTERNS = [
  ['(a+)+b', 'a'],
  ['(a|aa)+b', 'a'],
  ['(.*a){10}b', 'a'],
  ['([a-z]+\\d*)+!', 'ab1'],
  ['(x+x+)+y', 'x'],
  ['(?:\\w+\\s?)+;', 'word '],
];

/** Patterns that must be refused, each with the reason. */
const REFUSED = [
  ['(a)\\1', /back-references|invalid escape/],
  ['(?=a)b', /look-around|invalid/],
  ['(?<!a)b', /look-around|invalid/],
  ['a*', /empty text/],
  ['.{1000}', /limit/],
  ['(((a{100}){100}){100}){100}', /./],
  ['x'.repeat(1001), /1 to 1000/],
  ['^secret$', /searched anywhere/],
  ['(a|a?)+b', /takes too long/],
  ['(?:\\w?\\w?\\s?)+;', /takes too long/],
];

const cpu = (work) => {
  const begun = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000;
};
const repeat = (unit, length) => unit.repeat(Math.ceil(length / unit.length));

export function* hostile(quick) {
  const [short, long] = quick ? [10_000, 50_000] : [50_000, 400_000];
  const detector = createDetector(ENTITY_TYPES);
  const slow = [];
  for (const unit of UNITS) {
    detector.scan(repeat(unit, short));
    const [one, many] = [cpu(() => detector.scan(repeat(unit, short))), cpu(() => detector.scan(repeat(unit, long)))];
    // Eight times the text may take eight times as long; a quarter of a second is noise.
    if (many > 250 + (one + 5) * (long / short) * 4) slow.push(`${JSON.stringify(unit)}: ${one.toFixed(0)} ms, then ${many.toFixed(0)} ms`);
  }
  yield [`${UNITS.length} hostile texts take time in proportion to their length`, slow.length === 0 ? null : slow.join('; ')];

  const pieces = [];
  for (const unit of UNITS) {
    const stream = detector.open();
    const time = cpu(() => {
      for (let at = 0; at < (quick ? 3_000 : short); at += unit.length) stream.push(unit);
      stream.end();
    });
    if (time > 10_000) pieces.push(`${JSON.stringify(unit)}: ${time.toFixed(0)} ms`);
  }
  yield ['and in small pieces too', pieces.length === 0 ? null : pieces.join('; ')];

  const hanging = PATTERNS.flatMap(([regex, unit]) => {
    const own = createDetector(['own'], [compilePattern({ name: 'own', regex })]);
    const time = cpu(() => own.scan(repeat(unit, quick ? 5_000 : 50_000)));
    return time < 20_000 ? [] : [`${regex}: ${time.toFixed(0)} ms`];
  });
  yield [`${PATTERNS.length} patterns that hang backtracking engines are bounded`, hanging.length === 0 ? null : hanging.join('; ')];

  const taken = REFUSED.filter(([regex, reason]) => {
    try {
      compilePattern({ name: 'own', regex });
      return true;
    } catch (error) {
      return error.code !== 'config_invalid' || !reason.test(error.message);
    }
  });
  yield [
    `${REFUSED.length} patterns are refused with their reason`,
    taken.length === 0 ? null : taken.map(([regex]) => regex.slice(0, 40)).join(', '),
  ];
}
