import { isoMicro, SYSTEM_CONTEXT, type EventDraft, type RegisteredSchema } from '#events';
import type { SealedState } from '#tlog';
import type { Answer, EpochSpan, OpenRequest } from './trail.js';

/** A range of seqs of one source that is missing, both ends included. */
export interface Hole {
  readonly source: string;
  readonly from: number;
  readonly to: number;
  /** When it was seen first, microseconds since the Unix epoch. */
  readonly sinceUs: number;
}

type Facts = Readonly<Record<string, string | number>>;

/** Sources in one `ledger.frontier`: about 150 bytes each. */
const MAX_SOURCES = 1_000;

/**
 * Where every source stands in the sealed tree: `detail` is a JSON list of `{source, seq, head, missing?}`, sources by code unit. `head` is the SHA-256 of the
 * source's event at `seq`, `missing` the first range behind it that later events wait for. Many sources make several events, numbered.
 * `accounted`: every request among so many leaves has a response or an `exchange.aborted`; null: not looked at.
 */
export function frontierDrafts(origin: string, sealed: SealedState, holes: readonly Hole[], accounted: number | null): EventDraft[] {
  const missing = new Map(holes.map(({ source, from, to }) => [source, [from, to]]));
  const sources = [...new Set([...Object.keys(sealed.frontiers), ...missing.keys()])].sort((a, b) => (a < b ? -1 : 1));
  const lines = sources.map((source) => ({
    source,
    seq: sealed.frontiers[source] ?? 0,
    head: sealed.heads[source] ?? '',
    ...(missing.has(source) ? { missing: missing.get(source) } : {}),
  }));
  const parts = Math.max(1, Math.ceil(lines.length / MAX_SOURCES));
  return Array.from({ length: parts }, (_, part) => {
    const some = lines.slice(part * MAX_SOURCES, (part + 1) * MAX_SOURCES);
    const { round, tree_size, root_hash } = sealed;
    const requests: Facts = accounted === null ? {} : { accounted };
    const facts = { round, tree_size, root_hash, ...requests, sources: lines.length, part: part + 1, parts };
    return draft('ledger.frontier', origin, facts, JSON.stringify(some));
  });
}

/** Nothing of the range is in the tree of `tree_size` leaves; what comes later may be sealed before this event is. */
export function gapDraft({ source, from, to, sinceUs }: Hole, { round, tree_size }: SealedState): EventDraft {
  const facts = { from, to, missing: to - from + 1, since: isoMicro(sinceUs), round, tree_size };
  return draft('ledger.gap', source, facts, null, 'failure');
}

/** All that was told to be missing is in the tree of `tree_size` leaves. */
export function gapClosedDraft({ source, from, to, sinceUs }: Hole, { round, tree_size }: SealedState): EventDraft {
  return draft('ledger.gap_closed', source, { from, to, since: isoMicro(sinceUs), round, tree_size });
}

/** The first event of a life of the source's process is in the tree of `tree_size` leaves. */
export function epochOpenedDraft({ source, epoch, first, sinceUs, build }: EpochSpan, { round, tree_size }: SealedState): EventDraft {
  return draft('epoch.opened', source, { epoch, first, since: isoMicro(sinceUs), build, round, tree_size });
}

/** A life of a source's process that has ended. */
export interface ClosedEpoch extends Pick<EpochSpan, 'source' | 'epoch' | 'first' | 'last' | 'stop'> {
  /** The epoch that follows; null when none does yet. */
  readonly next: number | null;
}

/** What it was, up to its last event in the tree of `tree_size` leaves. Without a stop: it ended without saying so. */
export function epochClosedDraft({ source, epoch, first, last, stop, next }: ClosedEpoch, { round, tree_size }: SealedState): EventDraft {
  const ended: Facts = stop === null ? { ended: 'unannounced' } : { ended: 'announced', stop };
  const following: Facts = next === null ? {} : { next };
  const facts = { epoch, first, last, ...ended, ...following, round, tree_size };
  return draft('epoch.closed', source, facts, null, stop === null ? 'failure' : 'success');
}

/** No response of the exchange is there, and the request has been in the tree for longer than the limit, milliseconds. */
export function abortedDraft(
  { exchange, source, seq, occurredUs }: OpenRequest,
  limit: number,
  { round, tree_size }: SealedState,
): EventDraft {
  const facts = { source, request: seq, since: isoMicro(occurredUs), limit_ms: limit, round, tree_size };
  return draft('exchange.aborted', exchange, facts, null, 'failure');
}

/** An exchange that was told to be without a response has one in the tree of `tree_size` leaves. */
export function answeredDraft({ exchange, source, seq, outcome }: Answer, { round, tree_size }: SealedState): EventDraft {
  return draft('exchange.answered', exchange, { source, response: seq, outcome, round, tree_size });
}

/** The exact JSON text whose SHA-256 leaves carry, so that events can be decoded by whoever has the ledger only. */
export function schemaDraft({ id, name, sha256, topic, schema }: RegisteredSchema): EventDraft {
  return draft('schema.registered', sha256, { name, schema_id: id, topic: topic ?? '' }, JSON.stringify(schema));
}

function draft(
  kind: string,
  subject: string,
  facts: Facts,
  detail: string | null = null,
  outcome: 'success' | 'failure' = 'success',
): EventDraft {
  const attributes = Object.entries(facts).map(([name, value]) => ({ name, value: String(value) }));
  return { context: SYSTEM_CONTEXT, type: 'control', event: { kind, outcome, subject, attributes, detail } };
}
