import { z } from 'zod';

/** Runs of seqs kept per source; when there are more, the shortest are forgotten: that may double a record, never lose one. */
const MAX_RUNS = 4_096;
/** Kafka takes 4,096 bytes of metadata with an offset. */
const MAX_METADATA_BYTES = 3_500;

const METADATA = z.strictObject({
  delivered: z.record(z.string(), z.array(z.tuple([z.int().positive(), z.int().positive()]))),
});

interface Run {
  from: number;
  to: number;
}

/**
 * Which events a sink has acknowledged, as runs of seqs per source. A source's seqs are dense over all topics, so one who reads all topics needs
 * one run per source, save for what is under way; and a seq that is sent again late is told apart from one that was missing until now.
 */
export class Delivered {
  readonly #sources = new Map<string, Run[]>();

  has(source: string, seq: number): boolean {
    const runs = this.#sources.get(source);
    const run = runs?.[indexAfter(runs, seq) - 1];
    return run !== undefined && seq <= run.to;
  }

  add(source: string, seq: number): void {
    this.#addRun(source, seq, seq);
  }

  /** For the commit of an offset: of the given sources as many runs as fit, the longest first. */
  toMetadata(sources: Iterable<string>): string {
    const all = [...new Set(sources)].flatMap((source) => (this.#sources.get(source) ?? []).map((run) => ({ source, ...run })));
    all.sort((a, b) => b.to - b.from - (a.to - a.from));
    const delivered: Record<string, [number, number][]> = {};
    let bytes = 32;
    for (const { source, from, to } of all) {
      bytes +=
        Buffer.byteLength(JSON.stringify([from, to])) + 1 + (source in delivered ? 0 : Buffer.byteLength(JSON.stringify(source)) + 4);
      if (bytes > MAX_METADATA_BYTES) break;
      (delivered[source] ??= []).push([from, to]);
    }
    return JSON.stringify({ delivered });
  }

  /** Takes in what an earlier run committed; what it cannot read it ignores, at the price of doubles. */
  merge(metadata: string | null): void {
    if (metadata === null) return;
    for (const [source, runs] of Object.entries(parse(metadata))) for (const [from, to] of runs) this.#addRun(source, from, to);
  }

  #addRun(source: string, from: number, to: number): void {
    let runs = this.#sources.get(source);
    if (runs === undefined) this.#sources.set(source, (runs = []));
    const at = indexAfter(runs, from);
    const first = at > 0 && (runs[at - 1]?.to ?? 0) >= from - 1 ? at - 1 : at;
    let end = first;
    const merged: Run = { from, to };
    for (let run = runs[end]; run !== undefined && run.from <= merged.to + 1; run = runs[(end += 1)]) {
      merged.from = Math.min(merged.from, run.from);
      merged.to = Math.max(merged.to, run.to);
    }
    runs.splice(first, end - first, merged);
    if (runs.length > MAX_RUNS) runs.splice(shortest(runs), 1);
  }
}

/** Index of the first run that begins behind the seq. */
function indexAfter(runs: readonly Run[], seq: number): number {
  let low = 0;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((runs[middle]?.from ?? 0) > seq) high = middle;
    else low = middle + 1;
  }
  return low;
}

function shortest(runs: readonly Run[]): number {
  let found = 0;
  for (const [index, run] of runs.entries()) {
    const best = runs[found] ?? run;
    if (run.to - run.from < best.to - best.from) found = index;
  }
  return found;
}

function parse(metadata: string): Readonly<Record<string, readonly (readonly [number, number])[]>> {
  try {
    return METADATA.parse(JSON.parse(metadata)).delivered;
  } catch {
    return {};
  }
}
