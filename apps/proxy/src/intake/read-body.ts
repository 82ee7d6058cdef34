import type { IncomingMessage } from 'node:http';
import { AffiantError } from '#errors';
import { Slices, turns } from '#wire';
import type { DigestMark } from '../original-digest.js';
import type { KnownPrefix } from '../protocols/shared/request/known/conversation.js';
import type { PrefixFollower } from '../protocols/shared/request/known/follower.js';
import type { ByteBudget } from './byte-budget.js';
import { lengthOf, pieceBytes } from './pieces.js';
import { ReceivedDigest } from './received-digest.js';

/** A request body. `bytes` is empty when only its digest was asked for. */
export interface ReceivedBody {
  /** All of it but what was recognised while it came. */
  readonly bytes: Buffer;
  readonly known: KnownPrefix | null;
  /** Taken from the budget, to be given back. */
  readonly held: number;
  readonly length: number;
  /** As the trail has it (OriginalDigest); null for an absent or unfinished body. */
  readonly digest: string | null;
  /** Where the digest of a body that begins with the same bytes can go on. */
  readonly marks: readonly DigestMark[];
  /** False when it was refused before its end. */
  readonly complete: boolean;
}

export const NO_BODY: ReceivedBody = { bytes: Buffer.alloc(0), known: null, held: 0, length: 0, digest: null, marks: [], complete: true };

/** What is known of a body that was refused before its end. */
export function unreadBody(request: IncomingMessage): ReceivedBody {
  return { ...NO_BODY, length: Number(request.headers['content-length'] ?? 0), complete: false };
}

export interface BodyReading {
  readonly limit: number;
  readonly digestKey: Buffer;
  readonly budget: ByteBudget;
  /** False: digest only, nothing is held. */
  readonly keep: boolean;
  /** Knows what the caller sent before. */
  readonly follower: PrefixFollower | null;
}

/** The client closed while it was sending: nothing was asked, so nothing is recorded or answered. */
export class ClientGone extends Error {}

/** Bodies up to this are joined in one go. */
const JOIN_AT_ONCE = 256 * 1024;
/** How long a refused body is read on and thrown away, so that the client gets to read the refusal. */
const LINGER_MS = 5_000;

/**
 * Reads a body under its limits. What was `held` stays in `budget` until the caller gives it back.
 * A body over the limit is read on for a while and thrown away, so that a keep-alive connection stays usable.
 * @throws AffiantError body_too_large | body_invalid | overloaded; ClientGone
 */
export async function readBody(request: IncomingMessage, reading: BodyReading): Promise<ReceivedBody> {
  try {
    return await read(request, reading);
  } catch (error) {
    if (!(error instanceof ClientGone)) await discardBody(request, reading.limit);
    throw error;
  }
}

async function read(request: IncomingMessage, reading: BodyReading): Promise<ReceivedBody> {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new AffiantError('body_invalid', `request bodies with Content-Encoding ${encoding.slice(0, 32)} are not accepted`, {
      remedy: 'Send the body without Content-Encoding.',
    });
  }
  if (Number(request.headers['content-length'] ?? 0) > reading.limit) {
    throw tooLarge(reading.limit);
  }
  return collect(request, reading);
}

function collect(request: IncomingMessage, reading: BodyReading): Promise<ReceivedBody> {
  const { limit, budget, keep, follower } = reading;
  const digesting = new ReceivedDigest(follower, keep);
  const chunks: Buffer[] = [];
  let length = 0;
  let held = 0;
  let readThisTurn = 0;
  let settled = false;
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      settled = true;
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      finish();
    };
    const fail = (error: Error): void => {
      budget.give(held);
      settle(() => reject(error));
    };
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > limit) return fail(tooLarge(limit));
      if (keep) {
        try {
          budget.take(chunk.length);
        } catch (error) {
          return fail(error as AffiantError);
        }
        held += chunk.length;
        if (follower === null) chunks.push(chunk);
        else follower.push(chunk);
      }
      digesting.push(chunk);
      readThisTurn += chunk.length;
      // libuv would read up to 2 MB of one connection before it looks at the next.
      if (readThisTurn >= pieceBytes() && !request.isPaused()) {
        request.pause();
        turns.large(nextTurn);
      }
    };
    const nextTurn = (): void => {
      readThisTurn = 0;
      if (!settled) request.resume();
    };
    const onEnd = (): void => {
      settle(() => {
        const { kept, known } = follower?.end() ?? { kept: chunks, known: null };
        const { digest, marks } = digesting.end(reading.digestKey);
        const body = { known, held, length, digest, marks, complete: true };
        if (kept.length < 2) resolve({ ...body, bytes: kept[0] ?? NO_BODY.bytes });
        else void join(kept).then((bytes) => resolve({ ...body, bytes }), reject);
      });
    };
    const onClose = (): void => fail(new ClientGone('the client closed while sending'));
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}

async function join(chunks: readonly Buffer[]): Promise<Buffer> {
  const length = lengthOf(chunks);
  if (length <= JOIN_AT_ONCE) return Buffer.concat(chunks, length);
  const slices = new Slices();
  await slices.turn();
  const whole = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const chunk of chunks) {
    at += chunk.copy(whole, at);
    if (slices.spent) await slices.turn();
  }
  return whole;
}

/**
 * Reads a refused body on and throws it away until it ends, twice `limit` bytes passed or the linger time is over. A client that is
 * still sending when the connection closes may never read why it was refused.
 * @throws ClientGone
 */
export function discardBody(request: IncomingMessage, limit: number): Promise<void> {
  if (request.complete || Number(request.headers['content-length'] ?? 0) > 2 * limit) return Promise.resolve();
  return new Promise((resolve, reject) => {
    let passed = 0;
    const done = (finish: () => void): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onClose);
      finish();
    };
    const onEnd = (): void => done(resolve);
    const onClose = (): void => done(() => reject(new ClientGone('the client closed while sending')));
    const onData = (chunk: Buffer): void => {
      passed += chunk.length;
      if (passed > 2 * limit) onEnd();
    };
    const timer = setTimeout(onEnd, LINGER_MS);
    request.on('data', onData).on('end', onEnd).on('close', onClose).resume();
  });
}

function tooLarge(limit: number): AffiantError {
  return new AffiantError('body_too_large', `the body is larger than ${limit} bytes`);
}
