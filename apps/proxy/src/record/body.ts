import { hash } from 'node:crypto';
import { SEAL_BYTES, type SealingKey } from '#content-keys';
import type { Body, EventContext, EventDraft, Mask, Segment } from '#events';
import { Slices } from '#wire';
import type { BodyPiece, OriginalsOf } from '../protocols/protocol.js';
import { sealOriginals } from './seal-originals.js';
import { keyScopeOf, type SessionKeys } from './session-keys.js';
import { joinedContent, keyOf, knownFrom, runFrom, runUpTo } from './runs.js';
import type { KnownRun, SegmentReference, SessionSegments } from './session-segments.js';

/** Largest inline content of one event, so that no event outgrows a broker's message limit. */
export const INLINE_LIMIT = 256 * 1024;
/** Largest content of one segment: sealed it is not larger than INLINE_LIMIT. */
export const CONTENT_LIMIT = INLINE_LIMIT - SEAL_BYTES;
/** Pieces gone over between two looks at the budget. */
const PIECES_PER_CHECK = 32;

export interface BodyParts {
  readonly direction: 'request' | 'response';
  readonly mediaType: string;
  /** In order, concatenating to the masked body. */
  readonly pieces: readonly BodyPiece[];
  readonly originalDigest: string | null;
  readonly originalLength: number;
  readonly complete: boolean;
  readonly masks: readonly Mask[];
}

export interface RecordedBody {
  readonly body: Body;
  /** Segment events to be recorded before the event that holds `body`. */
  readonly ahead: readonly EventDraft[];
  /** Marks the content as durable; call it only after the recorder said so. */
  readonly durable: () => void;
}

/**
 * Cuts a masked body into segments, sealed under the key of the session: what the scope holds already is cited by digest, small content is inline, what comes and goes together is one segment, large
 * content goes ahead in segment events of at most 256 KB. No digest of the content itself is recorded: text that is easy to guess could be found by it.
 * What was masked in content that is recorded here goes with it, sealed so that it does not open here, where policy keeps it.
 * @throws AffiantError content_key_failed when no key is to be had; nothing is recorded in the open. body_too_large: too much to be kept
 */
export async function recordBody(
  parts: BodyParts,
  context: EventContext,
  scope: string | null,
  known: SessionSegments,
  keys: SessionKeys,
): Promise<RecordedBody> {
  const segments: Segment[] = [];
  const keyScope = keyScopeOf(context);
  let sealing: SealingKey | null = null;
  const kept = new Map<OriginalsOf, string[]>();
  const learned = new Map<string, KnownRun>();
  const isKnown = (key: string): KnownRun | undefined => (scope === null ? undefined : (known.find(scope, key) ?? learned.get(key)));
  const slices = new Slices();
  let maskedLength = 0;
  let inlineLength = 0;
  let steps = 0;
  for (let at = 0; at < parts.pieces.length;) {
    if (++steps % PIECES_PER_CHECK === 0 && slices.spent) await slices.turn();
    if (parts.pieces[at]!.bytes.length === 0) {
      at += 1;
      continue;
    }
    const seen = scope === null ? null : knownFrom(parts.pieces, at, isKnown);
    const run =
      seen !== null
        ? parts.pieces.slice(at, at + 1 + seen.rest.length)
        : scope === null
          ? runUpTo(CONTENT_LIMIT, parts.pieces, at)
          : runFrom(parts.pieces, at, isKnown);
    at += run.length;
    for (const { bytes } of run) maskedLength += bytes.length;
    if (seen !== null) {
      for (const { sha256, bytes_length } of seen.references)
        segments.push({ sha256, bytes_length, media_type: parts.mediaType, inline: null });
      continue;
    }
    if (sealing === null) {
      const had = keys.forScope(keyScope);
      sealing = had instanceof Promise ? await had : had;
    }
    const content = joinedContent(run);
    inlineLength += content.length + SEAL_BYTES;
    const cut =
      content.length <= CONTENT_LIMIT
        ? [sealed(content, parts.mediaType, sealing)]
        : await cutPiece(content, parts.mediaType, sealing, slices);
    segments.push(...cut);
    for (const { originals } of run)
      if (originals !== undefined)
        kept.set(originals, [...(kept.get(originals) ?? []), ...cut.map(({ sha256 }) => sha256.toString('hex'))]);
    // Sealing and hashing cost by the byte: pieces may be few and large.
    if (slices.spent) await slices.turn();
    if (scope !== null) learned.set(keyOf(run[0]!), { references: cut.map(withoutContent), rest: run.slice(1).map(keyOf) });
  }
  const originals = await sealOriginals(kept, keyScope, keys.originals);
  const carried = inlineLength > INLINE_LIMIT;
  const content_key = sealing?.id ?? null;
  return {
    body: {
      segments: carried ? await withoutInline(segments, slices) : segments,
      original_digest: parts.originalDigest,
      original_length: parts.originalLength,
      masked_length: maskedLength,
      complete: parts.complete,
      masks: parts.masks,
      content_key: carried ? null : content_key,
      sealed_originals: originals?.sealed ?? null,
    },
    ahead: carried ? segmentEvents(segments, parts.direction, context, content_key) : [],
    durable: () => {
      if (scope === null || sealing === null || learned.size === 0 || !keys.isCurrent(keyScope, sealing)) return;
      // Their originals would be missing where they are cited.
      if (originals !== null && keys.originals?.isCurrent(keyScope, originals.key) !== true) return;
      known.remember(scope, learned);
    },
  };
}

function sealed(content: Buffer, mediaType: string, key: SealingKey): Segment {
  const inline = key.seal(content);
  return { sha256: hash('sha256', inline, 'buffer'), bytes_length: content.length, media_type: mediaType, inline };
}

function withoutContent({ sha256, bytes_length, media_type }: Segment): SegmentReference {
  return { sha256, bytes_length, media_type };
}

async function withoutInline(segments: readonly Segment[], slices: Slices): Promise<Segment[]> {
  const cited: Segment[] = [];
  for (const { sha256, bytes_length, media_type } of segments) {
    cited.push({ sha256, bytes_length, media_type, inline: null });
    if (cited.length % PIECES_PER_CHECK === 0 && slices.spent) await slices.turn();
  }
  return cited;
}

async function cutPiece(bytes: Buffer, mediaType: string, key: SealingKey, slices: Slices): Promise<Segment[]> {
  const cut: Segment[] = [];
  for (let at = 0; at < bytes.length; at += CONTENT_LIMIT) {
    cut.push(sealed(bytes.subarray(at, at + CONTENT_LIMIT), mediaType, key));
    if (slices.spent) await slices.turn();
  }
  return cut;
}

function segmentEvents(segments: readonly Segment[], direction: string, context: EventContext, content_key: string | null): EventDraft[] {
  const events: EventDraft[] = [];
  let batch: Segment[] = [];
  let bytes = 0;
  const close = (): void => {
    if (batch.length > 0) events.push({ type: 'segment', context, event: { direction, segments: batch, content_key } });
    batch = [];
    bytes = 0;
  };
  for (const segment of segments) {
    if (segment.inline === null) continue;
    if (bytes + segment.inline.length > INLINE_LIMIT) close();
    batch.push(segment);
    bytes += segment.inline.length;
  }
  close();
  return events;
}
