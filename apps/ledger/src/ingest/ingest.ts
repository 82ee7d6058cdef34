import { AffiantError, isAffiantError } from '#errors';
import type { Committed, LogBatch, LogRecord } from '#event-log';
import type { EventRow } from '#ledger-store';
import type { Handover } from '../handover.js';
import { GROUPS, type LedgerPorts } from '../ports.js';
import type { EventReader } from '../read-event.js';
import { untilDone, Withdrawn, type RetryOptions } from '../retry.js';
import { buildRow } from './build-row.js';
import { formatIntent, parseIntent, type Intent } from './intent.js';
import { KnownEvents } from './known-events.js';
import { pieceAgain, piecesOf, type Piece } from './pieces.js';
import { openContent, sealedContent, type SealedContent } from './open-content.js';
import { holdsPiece, verifyPiece } from './verify.js';

type IngestPorts = Pick<LedgerPorts, 'eventLog' | 'store' | 'clock' | 'contentKeys'>;

/** What is known of a partition for as long as this process reads it. */
interface Tenure {
  /** The intent that was open when it began; the first batch must be its very range. */
  open: Intent | null;
  readonly known: KnownEvents;
  /** The batch that is being carried out. */
  onTheWay: Promise<void>;
  /** Set when the partition is handed to us anew: what was begun before must not go on. */
  ended: boolean;
}

/**
 * Copies the event log into ledger.events, exactly once per event, however the log is partitioned and however often an event is in it:
 * intent, INSERT under the intent's token, read back, commit. Every step is idempotent and repeated until it succeeds.
 */
export class Ingest {
  readonly #tenures = new Map<string, Tenure>();

  constructor(
    private readonly ports: IngestPorts,
    private readonly reader: EventReader,
    /** Null when no sequencer of this process reads the same log. */
    private readonly handover: Handover | null,
    private readonly retry: RetryOptions,
    private readonly group: string = GROUPS.ingest,
  ) {}

  /**
   * Begins to make a batch queryable: resolves when the batch before it (of its partition) is committed and this one is on its way;
   * `done` resolves when it is committed too. Rows are built while the engine still works on the batch before.
   * @throws AffiantError ledger_conflict, Stopped, Withdrawn; `done` likewise
   */
  async begin(batch: LogBatch): Promise<{ readonly done: Promise<void> }> {
    const now = this.ports.clock.nowUs();
    const sealed = new Map<number, SealedContent>();
    const rows = batch.records.map((record) => this.#row(record, now, sealed));
    const tenure = await this.#tenureOf(batch);
    const { pieces, learn } = await this.#plan(tenure, batch, rows, now);
    const done = this.#carryOut(tenure, batch, pieces, sealed).then(() => {
      tenure.open = null;
      learn();
    });
    // Whoever waits for it hears of a failure; the next batch waits for it.
    done.catch(() => undefined);
    tenure.onTheWay = done;
    return { done };
  }

  /** Resolves when nothing is on its way any more. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#tenures.values()].map((tenure) => tenure.onTheWay));
  }

  /** A partition that is handed to us (again) is begun from what is committed: what others did with it meanwhile is not known here. */
  async #tenureOf({ partition, assigned }: LogBatch): Promise<Tenure> {
    const tenure = this.#tenures.get(partition);
    if (tenure !== undefined && assigned === undefined) {
      await tenure.onTheWay;
      return tenure;
    }
    if (tenure !== undefined) {
      tenure.ended = true;
      await tenure.onTheWay.catch(() => undefined);
    }
    const begun: Tenure = { open: null, known: new KnownEvents(this.ports.store), onTheWay: Promise.resolve(), ended: false };
    const committed = assigned === undefined ? await this.#committed(begun, partition) : assigned.committed;
    begun.open = committed === null ? null : parseIntent(committed);
    this.#tenures.set(partition, begun);
    return begun;
  }

  async #committed(tenure: Tenure, partition: string): Promise<Committed | null> {
    return (await this.#step(tenure, 'offsets', () => this.ports.eventLog.committed(this.group))).get(partition) ?? null;
  }

  async #plan(tenure: Tenure, batch: LogBatch, rows: readonly EventRow[], now: number): Promise<{ pieces: Piece[]; learn: () => void }> {
    const { open, known } = tenure;
    if (open !== null) {
      const again = pieceAgain(batch, rows, open);
      // What else is in the ledger of these sources is asked for with the next batch.
      if (again.intent.token === open.token) return { pieces: [again], learn: () => undefined };
      throw new AffiantError('ledger_conflict', 'the event log gives other events than when the insert was intended', {
        where: `${batch.partition} ${batch.firstOffset}-${batch.lastOffset}`,
      });
    }
    const { dropped, learn } = await known.resent(rows, (what, read) => this.#step(tenure, what, read));
    return { pieces: piecesOf(batch, rows, dropped, now), learn };
  }

  async #carryOut(
    tenure: Tenure,
    { partition }: LogBatch,
    pieces: readonly Piece[],
    sealed: ReadonlyMap<number, SealedContent>,
  ): Promise<void> {
    for (const piece of pieces) await this.#carryOutPiece(tenure, partition, piece, sealed);
  }

  async #carryOutPiece(tenure: Tenure, partition: string, piece: Piece, sealed: ReadonlyMap<number, SealedContent>): Promise<void> {
    const { eventLog, store } = this.ports;
    const { from, intent, rows } = piece;
    // Held already, it is not inserted again: an earlier release may have made other rows of records it did not know the schema of.
    const isHeld = piece.again === true && (await this.#step(tenure, 'look', () => holdsPiece(store, partition, piece)));
    if (rows.length > 0 && !isHeld) {
      // A member that lost the partition is refused here, before it inserts what another may cut otherwise.
      await this.#step(tenure, 'intent', () => eventLog.commit(this.group, partition, from, formatIntent(intent, from)));
      const content = await this.#step(tenure, 'open content', () => openContent(rows, sealed, this.ports.contentKeys, this.retry.logger));
      if (content.length > 0) await this.#step(tenure, 'insert content', () => store.appendContent(intent.token, content));
      // A crash here leaves content that no event refers to yet; the insert is repeated under the same token, which changes nothing.
      // A crash before it leaves an intent without rows: whoever reads the partition next reads the same range and inserts it.
      await this.#step(tenure, 'insert', () => store.appendEvents(intent.token, rows));
      // A crash here leaves rows and the intent: the insert is repeated under the same token, which changes nothing.
      await this.#step(tenure, 'read back', () => verifyPiece(store, partition, piece));
    }
    await this.#step(tenure, 'commit', () => eventLog.commit(this.group, partition, intent.to + 1, null));
    // A crash before the commit repeats the piece as above; after it the rest of the batch is read as a new one.
  }

  #row(record: LogRecord, now: number, sealed: Map<number, SealedContent>): EventRow {
    const read = this.reader.read(record);
    this.handover?.give(record, read.event);
    const content = read.decoded === null ? null : sealedContent(read.decoded);
    if (content !== null) sealed.set(record.offset, content);
    return buildRow(record, read, now);
  }

  async #step<T>(tenure: Tenure, what: string, step: () => Promise<T>): Promise<T> {
    const attempt = async (): Promise<T> => {
      if (tenure.ended) throw new Withdrawn();
      return step().catch(withdrawn);
    };
    return untilDone(`ingest ${what}`, attempt, this.retry);
  }
}

function withdrawn(error: unknown): never {
  throw isAffiantError(error) && error.code === 'conflict' ? new Withdrawn() : error;
}
