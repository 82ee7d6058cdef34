import { microsOf, type EventDraft } from '#events';
import type { SealedState } from '#tlog';
import type { LedgerGap, LedgerPorts } from '../ports.js';
import { frontierDrafts, gapClosedDraft, gapDraft, schemaDraft, type Hole } from './drafts.js';
import type { OwnWord, OwnWords } from './own-words.js';

const KINDS = ['schema.registered', 'ledger.gap', 'ledger.gap_closed'] as const;

export interface TestimonyTimes {
  /** Milliseconds between two frontiers. */
  readonly frontierInterval: number;
  /** How long a range may be missing before it is recorded, milliseconds. */
  readonly gapAfter: number;
}

/** What was told before. */
interface Told {
  readonly schemas: Set<string>;
  holes: readonly Hole[];
}

/**
 * What the leader records of the ledger itself: each schema once, where every source stands once a minute while anything is new, and what has been
 * missing for too long. It says what is sealed, so it is called between two rounds; what it records is sealed with the next one.
 *
 * A crash after a record and before it is queryable, or a change of the leader then, makes it tell the same again. A reader must take
 * two of the same subject and range as one.
 */
export class Testimony {
  #told: Told | null = null;
  /** Frontiers of other sources as last told; our own moves with every testimony. */
  #frontiers = '';
  #frontierAtMs: number;

  constructor(
    private readonly ports: Pick<LedgerPorts, 'recorder' | 'codec' | 'clock' | 'signer'>,
    private readonly words: OwnWords,
    private readonly times: TestimonyTimes,
  ) {
    this.#frontierAtMs = ports.clock.nowMs();
  }

  /** @throws AffiantError engine_failed; journal_full | journal_failed: nothing is forgotten, call it again later */
  async give(sealed: SealedState, gaps: readonly LedgerGap[]): Promise<void> {
    if (sealed.round === 0) return;
    const { codec, clock, recorder, signer } = this.ports;
    const told = (this.#told ??= toldBy(await this.words.told(KINDS)));
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
    const isTime = clock.nowMs() - this.#frontierAtMs >= this.times.frontierInterval;
    const frontiers = isTime ? this.#othersOf(sealed) : this.#frontiers;
    const isDue = frontiers !== this.#frontiers;
    if (isDue) drafts.push(...frontierDrafts(signer.name, sealed, holes));
    if (drafts.length === 0) return;
    try {
      await recorder.record(drafts);
    } catch (error) {
      // Perhaps it was recorded nevertheless: what the ledger holds decides.
      this.#told = null;
      throw error;
    }
    for (const { sha256 } of schemas) told.schemas.add(sha256);
    told.holes = [...open, ...opened];
    if (!isDue) return;
    this.#frontierAtMs = clock.nowMs();
    this.#frontiers = frontiers;
  }

  #othersOf({ frontiers }: SealedState): string {
    const { sourceId } = this.ports.recorder;
    return JSON.stringify(Object.entries(frontiers).filter(([source]) => source !== sourceId));
  }
}

function toldBy(words: readonly OwnWord[]): Told {
  const closed = new Set(words.filter(({ kind }) => kind === 'ledger.gap_closed').map(rangeOf));
  const holes = new Map<string, Hole>();
  for (const word of words) {
    if (word.kind !== 'ledger.gap' || closed.has(rangeOf(word))) continue;
    const hole = holeToldBy(word);
    if (hole !== null) holes.set(rangeOf(word), hole);
  }
  const schemas = words.filter(({ kind }) => kind === 'schema.registered').map(({ subject }) => subject);
  return { schemas: new Set(schemas), holes: [...holes.values()] };
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
