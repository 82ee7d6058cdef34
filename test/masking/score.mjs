// Precision, recall and F1 per type. Strict: type, start and end must be those of the gold span. Covered: every unit of the gold span is masked by spans
// of any type, which is what decides whether a value leaves.

/** `sets`: what was found in each text, in order. @returns Map(type -> { gold, found, hit, covered }) */
export function score(texts, found, types) {
  const counts = new Map(types.map((type) => [type, { gold: 0, found: 0, hit: 0, covered: 0 }]));
  for (const [index, { spans }] of texts.entries()) {
    const mine = found[index];
    const key = ({ type, start, end }) => `${type} ${start} ${end}`;
    const gold = new Set(spans.map(key));
    for (const span of mine) {
      const count = counts.get(span.type);
      if (count === undefined) continue;
      count.found++;
      if (gold.has(key(span))) count.hit++;
    }
    for (const span of spans) {
      const count = counts.get(span.type);
      if (count === undefined) continue;
      count.gold++;
      if (isCovered(span, mine)) count.covered++;
    }
  }
  return counts;
}

function isCovered({ start, end }, spans) {
  let at = start;
  for (const span of [...spans].sort((a, b) => a.start - b.start)) if (span.start <= at && span.end > at) at = span.end;
  return at >= end;
}

export function figures({ gold, found, hit, covered }) {
  const precision = found === 0 ? 1 : hit / found;
  const recall = gold === 0 ? 1 : hit / gold;
  const f1 = precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
  return { gold, precision, recall, f1, covered: gold === 0 ? 1 : covered / gold };
}
