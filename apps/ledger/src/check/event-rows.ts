import type { Control, EventCodec } from '#events';
import type { EventRow } from '#ledger-store';
import type { Findings } from '#verify';
import { buildRow } from '../ingest/build-row.js';
import { EventReader, isLogPlace } from '../read-event.js';
import type { CheckpointFacts } from './checkpoint-rows.js';
import { MissingEvents } from './missing-events.js';
import { differingColumns, EVENT_COLUMNS, type ReadRow } from './row-columns.js';
import type { RowBatches } from './row-cursor.js';
import type { SealedLeaves, SourceLeaves } from './sealed-leaves.js';
import { standingAt, Testimony } from './testimony.js';

const NONE: SourceLeaves = { seqs: [], indexes: [], hashes: [], groups: [], epochs: [] };

/** Told of each control event whose bytes its leaf commits to, and where its row is. */
type HeardControl = (event: Control, where: string) => void;

/** Where the walk of one source is. */
interface Place {
  readonly source: string;
  readonly leaves: SourceLeaves;
  /** Next leaf of the source that needs its event. */
  at: number;
  seq: number;
  /** SHA-256 of the event before; null when it could not be told. */
  hash: Buffer | null;
  /** A checkpoint event that the next event's prev_hash has not vouched for yet. */
  unvouched: boolean;
}

/**
 * Walks ledger.events source by source: the bytes of every event are what its leaf commits to, events that are no leaves (checkpoints) are
 * vouched for by the prev_hash of the next, and every column is what the bytes give.
 */
export async function checkEventRows(
  rows: RowBatches,
  sealed: SealedLeaves,
  checkpoints: readonly CheckpointFacts[],
  codec: EventCodec,
  findings: Findings,
  heard: HeardControl,
): Promise<{ count: number; notes: string[] }> {
  const walk = new EventWalk(sealed, checkpoints, codec, findings, heard);
  let count = 0;
  for await (const batch of rows) {
    count += batch.length;
    for (const row of batch) walk.take(row);
  }
  return { count, notes: walk.end() };
}

class EventWalk {
  readonly #reader: EventReader;
  readonly #seen = new Set<string>();
  readonly #told = new Set<number>();
  readonly #notes: string[] = [];
  readonly #rounds: ReadonlyMap<number, CheckpointFacts>;
  readonly #testimony: Testimony;
  readonly #missing = new MissingEvents();
  #place: Place | null = null;

  constructor(
    private readonly sealed: SealedLeaves,
    private readonly checkpoints: readonly CheckpointFacts[],
    codec: EventCodec,
    private readonly findings: Findings,
    private readonly heard: HeardControl,
  ) {
    this.#reader = new EventReader(codec);
    this.#testimony = new Testimony(sealed, checkpoints, findings);
    this.#rounds = new Map(checkpoints.map((one) => [one.round, one]));
  }

  take(read: ReadRow): void {
    const raw = Buffer.from(String(read['c_raw']), 'hex');
    const place = { partition: String(read['c_log_partition']), offset: Number(read['c_log_offset']), value: raw };
    const { record, ...decoded } = this.#reader.readRow(place, String(read['c_topic']));
    const row = buildRow(record, decoded, Number(read['c_ingested_at']));
    const hash = row.payload_hash;
    // The row is found by its columns, so it may lie about its place: what its bytes say is compared with them below.
    const [source, seq] = [String(read['c_source_id']), Number(read['c_seq'])];
    const where = `ledger.events ${source} seq ${seq}`;
    const walked = this.#enter(source);
    this.#follow(walked, row, seq, hash, where);
    for (const column of this.#columns(read, row))
      this.findings.add('column_altered', `${where} column ${column}`, 'it is not what the bytes of the event give');
    const committed = walked.leaves.seqs[walked.at - 1] === seq && walked.leaves.hashes[walked.at - 1] === hash.toString('latin1');
    if (decoded.decoded?.type === 'control' && committed) {
      this.#testimony.check(decoded.decoded.event, where);
      this.#missing.heard(decoded.decoded.event);
      this.heard(decoded.decoded.event, where);
    }
    if (row.event_type === 'checkpoint' && decoded.decoded?.type === 'checkpoint') this.#checkpoint(decoded.decoded.event, where);
  }

  end(): string[] {
    this.#leave();
    for (const [source, leaves] of this.sealed.sources)
      if (!this.#seen.has(source)) leaves.seqs.forEach((_, at) => this.#missing.add(source, leaves, at));
    this.#frontiers();
    return [...this.#notes, ...this.#missing.tell(this.findings)];
  }

  #columns(read: ReadRow, row: EventRow): string[] {
    const place = isLogPlace(row.log_partition) ? row : { ...row, log_partition: row.source_id, log_offset: row.seq };
    const names = differingColumns(EVENT_COLUMNS, read, place);
    if (isLogPlace(row.log_partition) && !row.log_partition.startsWith(`${row.topic}/`)) names.push('log_partition');
    if (read['c_fields'] !== read['c_fields_expected']) names.push('fields');
    return names;
  }

  #enter(source: string): Place {
    if (this.#place?.source === source) return this.#place;
    this.#leave();
    if (this.#seen.has(source))
      this.findings.add(
        'row_unexpected',
        `ledger.events ${source}`,
        'its rows are not together: this export is not in the order it must be in',
      );
    this.#seen.add(source);
    return (this.#place = {
      source,
      leaves: this.sealed.sources.get(source) ?? NONE,
      at: 0,
      seq: 0,
      hash: Buffer.alloc(32),
      unvouched: false,
    });
  }

  #leave(): void {
    const place = this.#place;
    if (place === null) return;
    const { source, leaves, at } = place;
    for (let rest = at; rest < leaves.seqs.length; rest += 1) this.#missing.add(source, leaves, rest);
    if (place.unvouched)
      this.#notes.push(
        `The last checkpoint event of ${source} (seq ${place.seq}) is not vouched for by anything yet: the next event will be.`,
      );
    this.#place = null;
  }

  #follow(place: Place, row: EventRow, seq: number, hash: Buffer, where: string): void {
    const chained = !isLogPlace(place.source);
    if (chained && seq <= place.seq) return this.findings.add('row_unexpected', where, `there is a row of seq ${seq} already`);
    while ((place.leaves.seqs[place.at] ?? Infinity) < seq) {
      const missing = place.leaves.seqs[place.at]!;
      this.#hole(place, missing);
      this.#missing.add(place.source, place.leaves, place.at);
      // The leaf tells the hash of what is not there, so the chain goes on over it.
      place.seq = missing;
      place.hash = Buffer.from(place.leaves.hashes[place.at]!, 'latin1');
      place.at += 1;
    }
    if (chained) this.#hole(place, seq);
    if (place.hash !== null && row.event_type !== 'undecodable' && chained && !row.prev_hash.equals(place.hash))
      this.findings.add(
        'chain_broken',
        `ledger.events ${place.source} seq ${place.seq}`,
        `its bytes are not those that seq ${seq} says came before it`,
      );
    const leafHere = place.leaves.seqs[place.at] === seq;
    if (leafHere && place.leaves.hashes[place.at] !== hash.toString('latin1'))
      this.findings.add('event_altered', where, `its bytes are not those that leaf ${place.leaves.indexes[place.at]} commits to`);
    if (leafHere) place.at += 1;
    else if (row.event_type !== 'checkpoint' && place.at < place.leaves.seqs.length)
      this.findings.add('event_unexpected', where, 'the tree has later events of this source, and not this one');
    place.seq = seq;
    place.hash = hash;
    place.unvouched = row.event_type === 'checkpoint' && !leafHere;
  }

  /** Seqs before `seq` that are neither rows nor leaves: checkpoint events that are gone. */
  #hole(place: Place, seq: number): void {
    if (seq <= place.seq + 1 || isLogPlace(place.source)) return;
    this.findings.add(
      'event_missing',
      `ledger.events ${place.source} seq ${place.seq + 1}`,
      `seq ${place.seq + 1} to ${seq - 1} are not there`,
    );
    place.hash = null;
  }

  /** A checkpoint event says what its row says. */
  #checkpoint(
    event: { round: number; tree_size: number; root_hash: Buffer; note: string; frontiers: readonly { source_id: string; seq: number }[] },
    where: string,
  ): void {
    const row = this.#rounds.get(event.round);
    this.#told.add(event.round);
    if (row === undefined) return this.findings.add('row_missing', `ledger.checkpoints round ${event.round}`, `${where} tells of it`);
    const at = `ledger.checkpoints round ${event.round} column`;
    if (row.note !== event.note) this.findings.add('column_altered', `${at} note`, `${where} has another`);
    if (row.sources.join() !== event.frontiers.map(({ source_id }) => source_id).join())
      this.findings.add('column_altered', `${at} frontier_sources`, `${where} has others`);
    if (row.seqs.join() !== event.frontiers.map(({ seq }) => seq).join())
      this.findings.add('column_altered', `${at} frontier_seqs`, `${where} has others`);
  }

  /** Every checkpoint says of every source how far it is sealed: the tree of its size must hold just that. */
  #frontiers(): void {
    for (const { round, tree_size, sources, seqs } of this.checkpoints) {
      sources.forEach((source, at) => {
        const { last, next } = standingAt(this.sealed, source, tree_size);
        const frontier = seqs[at] ?? -1;
        if (frontier >= last && frontier < next) return;
        const held = `the tree of ${tree_size} leaves has it up to ${last}`;
        this.findings.add(
          'frontier_untrue',
          `ledger.checkpoints round ${round} column frontier_seqs`,
          `it says ${source} is sealed up to ${frontier}; ${held}`,
        );
      });
    }
  }
}
