import { openSealed, type ContentKeys } from '#content-keys';
import { AffiantError, isAffiantError } from '#errors';
import type { DecodedEvent, Segment } from '#events';
import type { ContentRow, EventRow } from '#ledger-store';
import type { Logger } from '#observability';

/** The sealed segments that an event carries itself, and the key they name. */
export interface SealedContent {
  readonly key: string;
  readonly segments: readonly (Segment & { readonly inline: Buffer })[];
}

/** What stands in place of text that does not open. */
export const UNREADABLE = Buffer.from('[unreadable]');

/** Id of the key that seals what the event carries; null when it carries nothing sealed. */
export function contentKeyOf({ type, event }: DecodedEvent): string | null {
  if (type === 'request' || type === 'response') return event.body.content_key;
  return type === 'segment' ? event.content_key : null;
}

export function sealedContent(decoded: DecodedEvent): SealedContent | null {
  const key = contentKeyOf(decoded);
  if (key === null) return null;
  const { type, event } = decoded;
  const segments = type === 'request' || type === 'response' ? event.body.segments : type === 'segment' ? event.segments : [];
  const carried = segments.filter((segment): segment is Segment & { readonly inline: Buffer } => segment.inline !== null);
  return carried.length === 0 ? null : { key, segments: carried };
}

/**
 * Rows of ledger.content for these events: none for those whose key was destroyed. A pure function of the events and their keys.
 * Content that does not open with its key is said to be unreadable, and never holds up the ledger: its event is evidence all the same.
 * @throws AffiantError catalogue_failed, content_key_failed (retryable): a key that cannot be had now is waited for, not taken for destroyed
 */
export async function openContent(
  rows: readonly EventRow[],
  sealed: ReadonlyMap<number, SealedContent>,
  keys: ContentKeys | undefined,
  logger: Pick<Logger, 'error'> | undefined,
): Promise<ContentRow[]> {
  const wanted = rows.flatMap((row) => sealed.get(row.log_offset)?.key ?? []);
  if (wanted.length === 0) return [];
  if (keys === undefined) throw new AffiantError('content_key_failed', 'an event carries sealed content, and there are no keys here');
  const opened = await keys.open([...new Set(wanted)]);
  return rows.flatMap((row) => {
    const content = sealed.get(row.log_offset);
    const key = content === undefined ? null : opened.get(content.key);
    if (content === undefined || key === null || key === undefined) return [];
    const { source_id, seq, occurred_at, session_id, exchange_id } = row;
    return [
      {
        source_id,
        seq,
        occurred_at,
        session_id,
        exchange_id,
        content_key: content.key,
        segment_sha256: content.segments.map(({ sha256 }) => sha256),
        segment_content: content.segments.map(({ inline }) => opensOr(content.key, key, inline, row, logger)),
      },
    ];
  });
}

function opensOr(id: string, key: Buffer, inline: Buffer, row: EventRow, logger: Pick<Logger, 'error'> | undefined): Buffer {
  try {
    return openSealed(id, key, inline);
  } catch (error) {
    if (!isAffiantError(error)) throw error;
    logger?.error({ source: row.source_id, seq: row.seq, key: id, reason: error.message }, 'content does not open with its key');
    return UNREADABLE;
  }
}
