import { isoMicro, SYSTEM_CONTEXT, type EventDraft, type RegisteredSchema } from '#events';
import type { SealedState } from '#tlog';

/** A range of seqs of one source that is missing, both ends included. */
export interface Hole {
  readonly source: string;
  readonly from: number;
  readonly to: number;
  /** When it was seen first, microseconds since the Unix epoch. */
  readonly sinceUs: number;
}

/** Sources in one `ledger.frontier`: about 150 bytes each. */
const MAX_SOURCES = 1_000;

/**
 * Where every source stands in the sealed tree: `detail` is a JSON list of `{source, seq, head, missing?}`, sources by code unit. `head` is the SHA-256 of the
 * source's event at `seq`, `missing` the first range behind it that later events wait for. Many sources make several events, numbered.
 */
export function frontierDrafts(origin: string, sealed: SealedState, holes: readonly Hole[]): EventDraft[] {
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
    const facts = { round, tree_size, root_hash, sources: lines.length, part: part + 1, parts };
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

/** The exact JSON text whose SHA-256 leaves carry, so that events can be decoded by whoever has the ledger only. */
export function schemaDraft({ id, name, sha256, topic, schema }: RegisteredSchema): EventDraft {
  return draft('schema.registered', sha256, { name, schema_id: id, topic: topic ?? '' }, JSON.stringify(schema));
}

function draft(
  kind: string,
  subject: string,
  facts: Readonly<Record<string, string | number>>,
  detail: string | null = null,
  outcome: 'success' | 'failure' = 'success',
): EventDraft {
  const attributes = Object.entries(facts).map(([name, value]) => ({ name, value: String(value) }));
  return { context: SYSTEM_CONTEXT, type: 'control', event: { kind, outcome, subject, attributes, detail } };
}
