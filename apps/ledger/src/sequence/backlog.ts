import type { Committed, LogRecord } from '#event-log';
import type { RoundManifest } from '#tlog';

/** An undecodable record that a dead letter must tell of. */
export interface DeadRecord {
  readonly record: LogRecord;
  readonly code: string;
  readonly reason: string;
}

/** One read event, reduced to what a round needs. */
export interface SequencedEvent {
  readonly offset: number;
  readonly source_id: string;
  readonly seq: number;
  readonly payload_hash: Buffer;
  /** Null for what is no leaf: checkpoints and duplicates. */
  readonly leaf: Buffer | null;
  /** False for duplicates and events outside a chain: they do not move the source's frontier. */
  readonly chained: boolean;
  readonly dead: DeadRecord | null;
}

/** A stretch of the backlog: what one round seals. */
export interface Cut {
  readonly ranges: RoundManifest['ranges'];
  /** Partition ascending, then offset ascending: the order of the leaves. */
  readonly events: readonly SequencedEvent[];
  readonly leaves: number;
}

/** Bytes of undecodable records kept per partition before reading pauses. */
const MAX_DEAD_BYTES = 16 * 1024 * 1024;

/** Leaves kept over all partitions, in rounds: a log with hundreds of sources must not keep a full round of each. */
const MAX_ROUNDS_AHEAD = 4;

/** Events read but not sealed, per partition; bounded by `hasRoom`, which readers must await. */
export class Backlog {
  readonly #events = new Map<string, SequencedEvent[]>();
  readonly #deadBytes = new Map<string, number>();
  #leaves = 0;

  constructor(private readonly maxLeaves: number) {}

  add(partition: string, event: SequencedEvent): void {
    const events = this.#events.get(partition);
    if (events === undefined) this.#events.set(partition, [event]);
    else events.push(event);
    this.#count(partition, event, 1);
  }

  /** A partition always has room for one event, so that none keeps the others from being sealed. */
  hasRoom(partition: string): boolean {
    const events = this.#events.get(partition)?.length ?? 0;
    if (events > 0 && this.#leaves >= this.maxLeaves * MAX_ROUNDS_AHEAD) return false;
    return events < this.maxLeaves && (this.#deadBytes.get(partition) ?? 0) < MAX_DEAD_BYTES;
  }

  /** What can be sealed now: of each partition what the ingest has committed, an equal share of the round's leaves at most. */
  cut(ingested: ReadonlyMap<string, Committed>): Cut {
    const partitions = [...this.#events.keys()].filter((partition) => this.#events.get(partition)!.length > 0).sort(byText);
    const share = Math.max(1, Math.floor(this.maxLeaves / Math.max(1, partitions.length)));
    return this.#gather(partitions, (partition, events) => {
      const end = ingested.get(partition)?.offset ?? 0;
      let taken = 0;
      let leaves = 0;
      // Never more events than `hasRoom` lets in: a restart must be able to read the whole range back.
      while (taken < Math.min(events.length, this.maxLeaves) && events[taken]!.offset < end && leaves < share) {
        if (events[taken]!.leaf !== null) leaves += 1;
        taken += 1;
      }
      return taken;
    });
  }

  /** The events of a manifest's ranges. Null while they have not all been read. */
  recut(manifest: RoundManifest): Cut | null {
    const ends = new Map(manifest.ranges.map((range) => [range.partition, range.to]));
    for (const [partition, to] of ends) if ((this.#events.get(partition)?.at(-1)?.offset ?? -1) < to) return null;
    const partitions = manifest.ranges.map((range) => range.partition);
    return this.#gather(partitions, (partition, events) => events.findLastIndex((event) => event.offset <= ends.get(partition)!) + 1);
  }

  /** Forgets what is sealed and hands back the dead records among it. */
  dropSealed(offsets: Readonly<Record<string, number>>): DeadRecord[] {
    const dead: DeadRecord[] = [];
    for (const [partition, next] of Object.entries(offsets)) {
      const events = this.#events.get(partition);
      if (events === undefined) continue;
      const sealed = events.findLastIndex((event) => event.offset < next) + 1;
      for (const event of events.splice(0, sealed)) {
        this.#count(partition, event, -1);
        if (event.dead !== null) dead.push(event.dead);
      }
    }
    return dead;
  }

  #count(partition: string, { dead, leaf }: SequencedEvent, sign: 1 | -1): void {
    if (leaf !== null) this.#leaves += sign;
    if (dead !== null) this.#deadBytes.set(partition, (this.#deadBytes.get(partition) ?? 0) + sign * dead.record.value.length);
  }

  #gather(partitions: readonly string[], count: (partition: string, events: readonly SequencedEvent[]) => number): Cut {
    const ranges: { partition: string; from: number; to: number }[] = [];
    const events: SequencedEvent[] = [];
    for (const partition of partitions) {
      const waiting = this.#events.get(partition)!;
      const taken = waiting.slice(0, count(partition, waiting));
      if (taken.length === 0) continue;
      ranges.push({ partition, from: taken[0]!.offset, to: taken.at(-1)!.offset });
      for (const event of taken) events.push(event);
    }
    return { ranges, events, leaves: events.reduce((sum, event) => sum + (event.leaf === null ? 0 : 1), 0) };
  }
}

/** By code unit, the same on every machine. */
function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
