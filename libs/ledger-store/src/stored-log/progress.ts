import { isPlace, type StoredEvents } from './port.js';

/** Seqs of a source looked at in one go. */
const WINDOW = 20_000;
/** How long a seq may be missing before it is reported: a resend comes within that. */
const GAP_US = 60_000_000;

/** A seq that later ones of its source wait for. */
export interface SourceGap {
  readonly source: string;
  /** First seq that is missing, and how many are. */
  readonly seq: number;
  readonly missing: number;
  /** When it was seen first, microseconds since the Unix epoch. */
  readonly sinceUs: number;
}

/** How far each source is held without a hole. Asks only when the store has grown, and only for what lies behind what is known. */
export class Progress {
  /** source -> first seq that is not known to be held. */
  readonly ends = new Map<string, number>();
  #count = -1;
  #gaps: readonly SourceGap[] = [];

  constructor(
    private readonly events: StoredEvents,
    private readonly nowUs: () => number,
  ) {}

  /** Before the first `refresh`: everything before these seqs is known to be held. */
  begin(positions: Iterable<readonly [string, number]>): void {
    for (const [source, next] of positions) this.ends.set(source, Math.max(next, this.ends.get(source) ?? 0));
  }

  /** True when there may be more at once: a source had more than was looked at. */
  async refresh(): Promise<boolean> {
    // Counted first: what comes in meanwhile is found by the next call.
    const count = await this.events.eventCount();
    if (count === this.#count) return false;
    for (const source of await this.events.otherSources([...this.ends.keys()])) this.ends.set(source, isPlace(source) ? 0 : 1);
    let more = false;
    for (const { source_id, end } of await this.events.progress(this.ends, WINDOW)) {
      const before = this.ends.get(source_id) ?? 1;
      if (!isPlace(source_id) && end - before >= WINDOW) more = true;
      if (end > before) this.ends.set(source_id, end);
    }
    if (!more) this.#count = count;
    return more;
  }

  /** Looks for events behind a hole. Costs a read of what lies behind it, so it is called now and then only. */
  async look(): Promise<void> {
    const dense = new Map([...this.ends].filter(([source]) => !isPlace(source)));
    const found = await this.events.lowestSeqs(dense);
    const known = new Map(this.#gaps.map((gap) => [`${gap.source} ${gap.seq}`, gap.sinceUs]));
    const gaps: SourceGap[] = [];
    for (const [source, above] of found) {
      const seq = dense.get(source) ?? 1;
      // Held by now, only not counted yet.
      if (above <= seq) continue;
      gaps.push({ source, seq, missing: above - seq, sinceUs: known.get(`${source} ${seq}`) ?? this.nowUs() });
    }
    this.#gaps = gaps;
  }

  /** What has been missing for more than a minute. */
  gaps(): readonly SourceGap[] {
    const before = this.nowUs() - GAP_US;
    return this.#gaps.filter((gap) => gap.sinceUs <= before && (this.ends.get(gap.source) ?? 0) <= gap.seq);
  }
}
