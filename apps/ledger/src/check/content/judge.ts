import { createHash } from 'node:crypto';
import { openSealed } from '#content-keys';
import { isAffiantError } from '#errors';
import type { FindingCode } from '#verify';
import { UNREADABLE } from '../../ingest/open-content.js';
import type { OpenedKey } from './open-keys.js';
import type { ReadContent } from './content-rows.js';
import type { ContentFinding } from './port.js';
import type { SealedEvent } from './read-sealed.js';

/** What is to be said of one event and the rows of its place. */
export interface Judgement {
  readonly findings: readonly ContentFinding[];
  /** Segments that do not open, and stand as such. */
  readonly unreadable: number;
}

const NOTHING: Judgement = { findings: [], unreadable: 0 };
const hexDigest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const UNREADABLE_DIGEST = hexDigest(UNREADABLE);

/** Columns that are the event's own; source_id and seq are where the row was found. */
const OF_THE_EVENT = ['occurred_at', 'session_id', 'exchange_id', 'content_key'] as const;

/** A row of a place where the ledger has no event. */
export function unaccounted(row: ReadContent): ContentFinding {
  return { ...nameRow(row), code: 'row_unexpected', message: `no event accounts for it; it says session ${row.session_id || '(none)'}` };
}

/**
 * What the rows of one event should be, and are. The key is that of the event's own bytes, never the one a row names.
 * @param key null for an event that carries nothing sealed
 */
export function judge(event: SealedEvent, rows: readonly ReadContent[], key: OpenedKey | null): Judgement {
  const place = rows.length === 0 ? null : rows[0]!;
  if (event.content === null)
    return place === null ? NOTHING : { ...NOTHING, findings: [named(event, 'row_unexpected', 'its event carries nothing sealed')] };
  if (key === null || key.state === 'unknown') return NOTHING;
  if (key.state === 'destroyed') {
    if (place === null) return NOTHING;
    const message = `text is there whose key was destroyed (erasure ${key.erasure}, ${new Date(key.at).toISOString()})`;
    return { ...NOTHING, findings: [named(event, 'content_returned', message)] };
  }
  if (place === null) return { ...NOTHING, findings: [named(event, 'row_missing', 'its key is there, and its text is not')] };
  const opened = event.content.segments.map(({ inline }) => textDigest(event.content!.key, key.key, inline));
  const wrong = rows.map((row) => [...columns(event, row), ...segments(event, row, opened)]);
  const findings = wrong.flat();
  if (rows.length > 1) findings.push(named(event, 'row_unexpected', `there are ${rows.length} rows of this event`));
  return { findings, unreadable: opened.filter((digest) => digest === null).length };
}

function* columns(event: SealedEvent, row: ReadContent): Iterable<ContentFinding> {
  const expected = { ...event, occurred_at: String(event.occurred_at), content_key: event.content!.key };
  for (const column of OF_THE_EVENT)
    if (row[column] !== expected[column]) yield named(event, 'column_altered', 'it is not what the bytes of the event give', column);
}

function* segments(event: SealedEvent, row: ReadContent, opened: readonly (string | null)[]): Iterable<ContentFinding> {
  const carried = event.content!.segments.map(({ sha256 }) => sha256.toString('hex'));
  for (const column of ['segment_sha256', 'segment_content'] as const)
    if (row[column].length !== carried.length)
      yield named(event, 'column_altered', `it has ${row[column].length} segments, and the event carries ${carried.length}`, column);
  for (const [at, sha256] of carried.entries()) {
    const segment = { at, sha256 };
    const digest = row.segment_sha256[at];
    const text = row.segment_content[at];
    if (digest !== undefined && digest !== sha256)
      yield named(event, 'column_altered', `it is not the digest that the event carries (${sha256})`, 'segment_sha256', segment);
    if (text === undefined || text === (opened[at] ?? UNREADABLE_DIGEST)) continue;
    const message =
      opened[at] === null
        ? `the sealed segment ${sha256} does not open with its key, so nothing vouches for this text`
        : `the text is not what the sealed segment ${sha256} opens to`;
    yield named(event, 'column_altered', message, 'segment_content', segment);
  }
}

/** Null when it does not open: the ingest says of it that it is unreadable. */
function textDigest(id: string, key: Buffer, inline: Buffer): string | null {
  try {
    return hexDigest(openSealed(id, key, inline));
  } catch (error) {
    if (isAffiantError(error)) return null;
    throw error;
  }
}

function named(
  event: SealedEvent,
  code: FindingCode,
  message: string,
  column: string | null = null,
  segment: { readonly at: number; readonly sha256: string } | null = null,
): ContentFinding {
  const { source_id, seq, event_id, session_id, exchange_id } = event;
  const where =
    `ledger.content ${source_id} seq ${seq}` +
    (column === null ? '' : ` column ${column}`) +
    (segment === null ? '' : ` segment ${segment.at}`);
  return {
    code,
    where,
    message: `${message} (event ${event_id}, session ${session_id || 'none'})`,
    source_id,
    seq: String(seq),
    event_id,
    session_id,
    exchange_id,
    segment: segment?.at ?? null,
    segment_sha256: segment?.sha256 ?? null,
    column,
  };
}

function nameRow({ source_id, seq, session_id, exchange_id }: ReadContent): Omit<ContentFinding, 'code' | 'message'> {
  const where = `ledger.content ${source_id} seq ${seq}`;
  return { where, source_id, seq, session_id, exchange_id, event_id: null, segment: null, segment_sha256: null, column: null };
}
