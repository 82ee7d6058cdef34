import { microsOf, type EventDraft } from '#events';
import type { SealedState } from '#tlog';
import type { LedgerGap, LedgerPorts } from '../ports.js';
import { frontierDrafts, gapClosedDraft, gapDraft, schemaDraft, type Hole } from './drafts.js';
import { EPOCH_KINDS, Epochs } from './epochs.js';
import { EXCHANGE_KINDS, Exchanges } from './exchanges.js';
import type { OwnWord, OwnWords } from './own-words.js';
import type { Trail } from './trail.js';

const KINDS = ['schema.registered', 'ledger.gap', 'ledger.gap_closed', ...EPOCH_KINDS, ...EXCHANGE_KINDS] as const;
/** Events recorded at once: a ledger that never told of its epochs has many to tell of. */
const BATCH = 256;

export interface TestimonyTimes {
  /** Milliseconds between two frontiers. */
  readonly frontierInterval: number;
  /** How long a range may be missing before it is recorded, milliseconds. */
  readonly gapAfter: number;
  /** How long a request may be sealed without a response before it is told to have none, milliseconds. */
  readonly abortAfter: number;
}

/** What was told before. */
interface Told {
  readonly schemas: Set<string>;
  holes: readonly Hole[];
  readonly epochs: Epochs;
  readonly exchanges: Exchanges;
}

/**
 * What the leader records of the ledger itself: each schema once, where every source stands once a minute while anything is new, what has been
 * missing for too long, which lives the sources' processes had, and which requests got no response. It says what is sealed, so it is called between two rounds; what it records is sealed with the next one.
 *
 * A crash after a record and before it is queryable, or a change of the leader then, makes it tell the same again. A reader must take
 * two of the same subject and range as one.
 */
export class Testimony {
  #told: Told | null = null;
  /** Frontiers of other sources as last told; our own moves with every testimony. */
  #frontiers = '';
  #frontierAtMs: number;
  /** When epochs and exchanges were last looked at; null: not yet. */
  #lookedAtMs: number | null = null;

  constructor(
    private readonly ports: Pick<LedgerPorts, 'recorder' | 'codec' | 'clock' | 'signer'>,
    private readonly words: OwnWords,
    private readonly trail: Trail,
    private readonly times: TestimonyTimes,
  ) {
    this.#frontierAtMs = ports.clock.nowMs();
  }

  /** @throws AffiantError engine_failed; journal_full | journal_failed: nothing is forgotten, call it again later */
  async give(sealed: SealedState, gaps: readonly LedgerGap[]): Promise<void> {
    if (sealed.round === 0) return;
    const { codec, clock, recorder, signer } = this.ports;
    const told = (this.#told ??= this.#toldBy(await this.words.told(KINDS)));
    const schemas = codec.readable.filter(({ sha256 }) => !told.schemas.has(sha256));
    const closed = told.holes.filter(({ source, to }) => (sealed.frontiers[source] ?? 0) >= to);
    const open = told.holes.filter((hole) => !closed.includes(hole));
    const late = clock.nowUs() - this.times.gapAfter * 1_000;
    const holes = gaps.map(holeOf);
    const opened = holes.filter((hole) => hole.sinceUs <= late && !open.some((known) => contains(known, hole)));
    const drafts: EventDraft[] = [
      ...schemas.map(schemaDraft),
      ...closed.map((hole) => gapClosedDraft(hole, sealed)),
      ...opened.map((hole) => gapDraft(hole, sealed)),
    ];
    const isDue = await this.#recording(async () => {
      drafts.push(...(await this.#looked(told, sealed)));
      const isTime = clock.nowMs() - this.#frontierAtMs >= this.times.frontierInterval;
      const due = isTime && this.#othersOf(sealed) !== this.#frontiers;
      if (due) drafts.push(...frontierDrafts(signer.name, sealed, holes, told.exchanges.accounted));
      for (let at = 0; at < drafts.length; at += BATCH) await recorder.record(drafts.slice(at, at + BATCH));
      return due;
    });
    for (const { sha256 } of schemas) told.schemas.add(sha256);
    told.holes = [...open, ...opened];
    if (!isDue) return;
    this.#frontierAtMs = clock.nowMs();
    this.#frontiers = this.#othersOf(sealed);
  }

  /** What the sources' processes and requests came to, as often as the frontier is told. */
  async #looked({ epochs, exchanges }: Told, sealed: SealedState): Promise<EventDraft[]> {
    const nowMs = this.ports.clock.nowMs();
    if (this.#lookedAtMs !== null && nowMs - this.#lookedAtMs < this.times.frontierInterval) return [];
    const drafts = [...(await epochs.drafts(sealed)), ...(await exchanges.drafts(sealed, this.ports.clock.nowUs()))];
    this.#lookedAtMs = nowMs;
    return drafts;
  }

  /** Perhaps what failed was recorded nevertheless: what the ledger holds decides, and is looked at again. */
  async #recording<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#told = null;
      this.#lookedAtMs = null;
      throw error;
    }
  }

  #toldBy(words: readonly OwnWord[]): Told {
    const { sourceId: source, bootEpoch: epoch } = this.ports.recorder;
    return {
      schemas: new Set(words.filter(({ kind }) => kind === 'schema.registered').map(({ subject }) => subject)),
      holes: holesToldBy(words),
      epochs: new Epochs(this.trail, words, { source, epoch }),
      exchanges: new Exchanges(this.trail, words, this.times.abortAfter),
    };
  }

  #othersOf({ frontiers }: SealedState): string {
    const { sourceId } = this.ports.recorder;
    return JSON.stringify(Object.entries(frontiers).filter(([source]) => source !== sourceId));
  }
}

function holesToldBy(words: readonly OwnWord[]): Hole[] {
  const closed = new Set(words.filter(({ kind }) => kind === 'ledger.gap_closed').map(rangeOf));
  const holes = new Map<string, Hole>();
  for (const word of words) {
    if (word.kind !== 'ledger.gap' || closed.has(rangeOf(word))) continue;
    const hole = holeToldBy(word);
    if (hole !== null) holes.set(rangeOf(word), hole);
  }
  return [...holes.values()];
}

/** Null for an event of somebody else that borrows the kind and says something else with it. */
function holeToldBy({ subject: source, attributes: { from, to, since } }: OwnWord): Hole | null {
  try {
    const hole = { source, from: Number(from), to: Number(to), sinceUs: microsOf(since ?? '') };
    return Number.isSafeInteger(hole.from) && Number.isSafeInteger(hole.to) && hole.from <= hole.to ? hole : null;
  } catch {
    return null;
  }
}

const rangeOf = ({ subject, attributes: { from, to } }: OwnWord): string => `${subject} ${from}-${to}`;

const holeOf = ({ source, seq, missing, sinceUs }: LedgerGap): Hole => ({ source, from: seq, to: seq + missing - 1, sinceUs });

/** A hole that was filled in part is told already. */
const contains = (known: Hole, hole: Hole): boolean => known.source === hole.source && known.from <= hole.from && hole.to <= known.to;
