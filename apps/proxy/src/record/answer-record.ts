import { hash } from 'node:crypto';
import type { AffiantError } from '#errors';
import type { EventDraft } from '#events';
import { Slices } from '#wire';
import type { Caller } from '../call.js';
import type { BodyPiece, ResponseFacts } from '../protocols/protocol.js';
import { CONTENT_LIMIT, recordBody, type RecordedBody } from './body.js';
import type { SessionKeys } from './session-keys.js';
import type { SessionSegments } from './session-segments.js';

/** Small chunks gone over between two looks at the budget. */
const CHUNKS_PER_CHECK = 256;
/** Of a piece that nobody looks for. */
const UNNAMED = Buffer.alloc(0);

export type Outcome =
  'completed' | 'upstream_error' | 'upstream_gone' | 'stream_error' | 'client_gone' | 'refused' | 'denied' | 'expired' | 'aborted';

/** How an exchange ended. */
export interface Ending {
  readonly outcome: Outcome;
  /** HTTP status the client is sent; 0 when none. */
  readonly status: number;
  /** Masked bytes for the trail, those still to be sent included. */
  readonly sent: readonly Buffer[];
  /** How many bytes leave only after the event is durable. */
  readonly pending: number;
  /** What the upstream said; absent when it was not asked by this exchange. */
  readonly upstream?: UpstreamFacts;
  readonly facts?: ResponseFacts;
  /** False for an exchange that shows the answer of another: tokens are counted once. */
  readonly countsTokens?: boolean;
  readonly error?: AffiantError;
}

export interface UpstreamFacts {
  readonly status: number;
  readonly requestId: string | null;
  readonly mediaType: string;
  readonly originalLength: number;
  /** Hex HMAC-SHA-256 of the bytes received. */
  readonly originalDigest: string | null;
  readonly firstByteUs: number | null;
  /** The upstream ended its answer by itself. */
  readonly ended: boolean;
}

async function answerBody(
  context: EventDraft['context'],
  scope: string | null,
  ending: Ending,
  known: SessionSegments,
  keys: SessionKeys,
): Promise<RecordedBody> {
  const own = ending.upstream === undefined;
  const originals = own ? undefined : ending.facts?.originals;
  const sent = await answerPieces(ending.sent, scope !== null);
  const pieces = originals === undefined ? sent : sent.map((piece) => ({ ...piece, originals }));
  return recordBody(
    {
      direction: 'response',
      mediaType: ending.upstream?.mediaType ?? 'application/json',
      pieces,
      originalDigest: ending.upstream?.originalDigest ?? null,
      originalLength: own ? pieces.reduce((sum, piece) => sum + piece.bytes.length, 0) : ending.upstream.originalLength,
      complete: own ? ending.outcome !== 'client_gone' : ending.upstream.ended && (ending.facts?.complete ?? false),
      masks: ending.facts?.masks ?? [],
    },
    context,
    scope,
    known,
    keys,
  );
}

/** Cuts what was sent into pieces that are one segment each; small answers are one piece. @param named whether a session may know them again */
async function answerPieces(sent: readonly Buffer[], named: boolean): Promise<BodyPiece[]> {
  const slices = new Slices();
  const pieces: BodyPiece[] = [];
  let group: Buffer[] = [];
  let size = 0;
  const close = (): void => {
    if (size === 0) return;
    const bytes = group.length === 1 ? (group[0] as Buffer) : Buffer.concat(group, size);
    pieces.push({ sha256: named ? hash('sha256', bytes, 'buffer') : UNNAMED, bytes });
    group = [];
    size = 0;
  };
  for (const [i, chunk] of sent.entries()) {
    if (i % CHUNKS_PER_CHECK === CHUNKS_PER_CHECK - 1 && slices.spent) await slices.turn();
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + CONTENT_LIMIT - size);
      group.push(part);
      size += part.length;
      at += part.length;
      if (size < CONTENT_LIMIT) continue;
      close();
      if (slices.spent) await slices.turn();
    }
  }
  close();
  return pieces;
}

export interface AnswerRecord {
  readonly drafts: readonly EventDraft[];
  readonly durable: () => void;
}

/** The response event of an exchange, with the segment events it needs ahead. */
export async function answerRecord(
  caller: Caller,
  context: EventDraft['context'],
  scope: string | null,
  ending: Ending,
  known: SessionSegments,
  keys: SessionKeys,
): Promise<AnswerRecord> {
  const { body, ahead, durable } = await answerBody(context, scope, ending, known, keys);
  const { facts, upstream, error } = ending;
  const counted = ending.countsTokens === false ? undefined : facts;
  const elapsed = caller.link.elapsedUs();
  return {
    durable,
    drafts: [
      ...ahead,
      {
        type: 'response',
        context,
        event: {
          outcome: ending.outcome,
          status: ending.status,
          upstream_status: upstream?.status ?? null,
          upstream_request_id: upstream?.requestId ?? null,
          model: facts?.model ?? null,
          stop_reason: facts?.stopReason ?? null,
          input_tokens: counted?.inputTokens ?? null,
          output_tokens: counted?.outputTokens ?? null,
          cache_read_tokens: counted?.cacheReadTokens ?? null,
          cache_creation_tokens: counted?.cacheCreationTokens ?? null,
          tool_calls: facts?.toolCalls ?? [],
          first_byte_us: upstream?.firstByteUs ?? null,
          duration_us: elapsed,
          timeline: caller.link.timelineWith(ending.pending),
          body,
          error_code: error?.code ?? facts?.upstreamError?.type ?? null,
          error_message: error?.message ?? facts?.upstreamError?.message ?? null,
        },
      },
    ],
  };
}
