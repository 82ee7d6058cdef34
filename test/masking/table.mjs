const three = (number) => number.toFixed(3);

/** One row per type, as a Markdown table. `covered`: the share of values of which no unit is left. */
export function table(rows) {
  const lines = rows.map(({ type, gold, precision, recall, f1, covered, other }) => {
    const own = [gold, three(precision), three(recall), three(f1), three(covered)];
    return `| \`${type}\` | ${[...own, ...(other === null ? ['', '', ''] : [three(other.precision), three(other.recall), three(other.f1)])].join(' | ')} |`;
  });
  return [
    '| type | values | P | R | F1 | covered | Presidio P | R | F1 |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}
