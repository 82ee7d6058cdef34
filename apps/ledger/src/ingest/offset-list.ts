/** A list of ascending offsets as short text, relative to a base: `0-3,7` with base 100 is 100, 101, 102, 103 and 107. */
export function formatOffsets(offsets: readonly number[], base: number): string {
  const runs: string[] = [];
  for (let at = 0; at < offsets.length;) {
    const from = offsets[at]!;
    let to = from;
    while (offsets[++at] === to + 1) to += 1;
    runs.push(from === to ? `${from - base}` : `${from - base}-${to - base}`);
  }
  return runs.join(',');
}

/** Bytes that one more run of the list takes at most, whatever the offsets of a batch. */
export const MAX_RUN_BYTES = 24;

/** @throws RangeError when the text is not such a list. */
export function parseOffsets(text: string, base: number): number[] {
  if (text === '') return [];
  return text.split(',').flatMap((run) => {
    const match = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(run);
    if (match === null) throw new RangeError(`not a run of offsets: ${run.slice(0, 40)}`);
    const from = Number(match[1]);
    const to = Number(match[2] ?? from);
    if (to < from || to - from > 1_000_000) throw new RangeError(`not a run of offsets: ${run}`);
    return Array.from({ length: to - from + 1 }, (_, index) => base + from + index);
  });
}
