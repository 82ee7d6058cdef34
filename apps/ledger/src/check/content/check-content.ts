import type { StoredEvent } from '#ledger-store';
import { isLogPlace } from '../../read-event.js';
import { byPlace, placeOf, rowsBetween, spans, strays, type ReadContent, type SourceSpan } from './content-rows.js';
import { judge } from './judge.js';
import { lookAgain, type Suspect } from './look-again.js';
import { openKeys, type OpenedKey } from './open-keys.js';
import type { ContentCheck, ContentCheckPorts, ContentRange, UncheckedContent } from './port.js';
import { SealedReader, type SealedEvent } from './read-sealed.js';

export interface ContentCheckOptions extends ContentRange {
  /** Rows of ledger.content of so many seqs are read at once, as digests. Default 50,000. */
  readonly window?: number;
  /** Events of so many seqs, and of about so many bytes, are read at once. Default 5,000, 8 MiB. */
  readonly batch?: number;
  readonly batchBytes?: number;
  /** Called after each batch with the events read and all there are; whoever waits in it slows the check down, and what it throws ends it. */
  readonly progress?: (events: number, of: number) => void | Promise<void>;
}

const KEPT = 100;
/** What is looked at a second time before it is told of; what is beyond is counted, and never hides what came first. */
const MAX_SUSPECTS = 500;

/**
 * Compares ledger.content with what the sealed segments of ledger.events open to, both ways: one walk over the events of each source, with the rows of
 * the same seqs beside it. What looks wrong is looked at again in the end, because ingest, erasures and retention may be at work meanwhile.
 * Memory: one window of rows without their texts, and one batch of events.
 * @throws AffiantError engine_failed, catalogue_failed, ledger_conflict; what `progress` throws
 */
export async function checkContent(ports: ContentCheckPorts, options: ContentCheckOptions = {}): Promise<ContentCheck> {
  const known = await spans(ports.store, options);
  const walk = new Walk(
    ports,
    options,
    known.reduce((sum, { events }) => sum + events, 0),
  );
  for (const span of known) await walk.source(span);
  // A range has no rows outside of it that it could tell from those of other times.
  if (options.from === undefined && options.to === undefined) walk.suspect(await strays(ports.store, known));
  return walk.end();
}

class Walk {
  readonly #reader: SealedReader;
  readonly #suspects = new Map<string, Suspect>();
  readonly #unchecked: UncheckedContent[] = [];
  #totals = { events: 0, sealed_events: 0, segments: 0, erased_events: 0, unreadable: 0, rows: 0 };
  #unconfirmed = 0;
  #uncheckedCount = 0;

  constructor(
    private readonly ports: ContentCheckPorts,
    private readonly options: ContentCheckOptions,
    private readonly all: number,
  ) {
    this.#reader = new SealedReader(ports.codec);
  }

  async source({ source_id, from, to }: SourceSpan): Promise<void> {
    // Places of a broker's log are few, with offsets far apart, and none of them can be read, so none has text.
    const window = isLogPlace(source_id) ? to - from + 1 : (this.options.window ?? 50_000);
    for (let first = from; first <= to; first += window) {
      const last = Math.min(to, first + window - 1);
      await this.#window(source_id, first, last);
    }
  }

  /** Rows without an event. */
  suspect(rows: readonly ReadContent[]): void {
    this.#totals.rows += rows.length;
    for (const { source_id, seq } of rows) this.#add({ source_id, seq });
  }

  async end(): Promise<ContentCheck> {
    const { findings, underWay } = await lookAgain(this.ports, this.#reader, [...this.#suspects.values()]);
    return {
      ...this.#totals,
      under_way: underWay,
      findings: findings.slice(0, KEPT),
      finding_count: findings.length + this.#unconfirmed,
      unchecked: this.#unchecked,
      unchecked_count: this.#uncheckedCount,
    };
  }

  async #window(source: string, from: number, to: number): Promise<void> {
    const read = await rowsBetween(this.ports.store, source, from, to);
    this.#totals.rows += read.length;
    const rows = byPlace(read);
    const { batch = 5_000, batchBytes = 8 * 1024 * 1024 } = this.options;
    const step = isLogPlace(source) ? to - from + 1 : batch;
    for (let at = from; at <= to;) {
      const last = Math.min(to, at + step - 1);
      const events = await this.ports.store.readEvents(source, at, last, batchBytes);
      await this.#events(source, events, rows);
      // What did not fit is read next; an answer without events has passed a hole.
      at = (events.at(-1)?.seq ?? last) + 1;
      await this.options.progress?.(this.#totals.events, this.all);
    }
    for (const [{ seq }] of rows.values() as Iterable<[ReadContent]>) this.#add({ source_id: source, seq });
  }

  /** Takes out of `rows` what these events account for. */
  async #events(source: string, events: readonly StoredEvent[], rows: Map<string, ReadContent[]>): Promise<void> {
    const read = events.map((event) => this.#reader.read(source, event));
    const keys = await openKeys(this.ports, [...new Set(read.flatMap(({ content }) => content?.key ?? []))]);
    for (const event of read) {
      const place = placeOf(event);
      const key = event.content === null ? null : keys.get(event.content.key)!;
      const { findings, unreadable } = judge(event, rows.get(place) ?? [], key);
      this.#count(event, key, unreadable);
      if (findings.length > 0) this.#add({ source_id: source, seq: String(event.seq) });
      rows.delete(place);
    }
  }

  #count({ source_id, seq, session_id, content }: SealedEvent, key: OpenedKey | null, unreadable: number): void {
    this.#totals.events += 1;
    this.#totals.unreadable += unreadable;
    if (content === null || key === null) return;
    this.#totals.sealed_events += 1;
    this.#totals.segments += content.segments.length;
    if (key.state === 'destroyed') this.#totals.erased_events += 1;
    if (key.state !== 'unknown') return;
    this.#uncheckedCount += 1;
    if (this.#unchecked.length >= KEPT) return;
    const where = `ledger.content ${source_id} seq ${seq}`;
    this.#unchecked.push({
      code: 'content_key_failed',
      where,
      message: `${key.reason} (key ${content.key}, session ${session_id || 'none'})`,
    });
  }

  #add(suspect: Suspect): void {
    const key = placeOf(suspect);
    if (this.#suspects.has(key)) return;
    if (this.#suspects.size < MAX_SUSPECTS) this.#suspects.set(key, suspect);
    else this.#unconfirmed += 1;
  }
}
