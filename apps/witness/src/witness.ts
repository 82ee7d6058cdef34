import { AffiantError, isAffiantError } from '#errors';
import type { Clock } from '#events';
import type { Logger } from '#observability';
import type { Signer } from '#signing';
import {
  checkSignatures,
  cosign,
  EMPTY_ROOT,
  noteKey,
  parseNote,
  parseTreeHead,
  verifyConsistency,
  type ParsedNote,
  type TreeHead,
} from '#tlog';
import type { HeadStore } from './head-store.js';
import { parseAddCheckpoint, type AddCheckpoint } from './request.js';

/** Requests of one log that may wait for the one in work. */
const MAX_WAITING = 16;

export interface WitnessPorts {
  /** Its key must sign for no other cosigner. */
  readonly signer: Signer;
  /** Logs it watches; several keys of one origin are several entries. */
  readonly logs: readonly { readonly origin: string; readonly vkey: string }[];
  readonly heads: HeadStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What is sent back (C2SP tlog-witness): 200 cosignature lines, 409 with the size it has, or a reason in plain words. */
export interface Answer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422 | 503;
  readonly type: 'text/plain; charset=utf-8' | 'text/x.tlog.size';
  readonly body: string;
}

/**
 * Vouches that each checkpoint of a log extends the one before it. It keeps one head per log, durable before it answers, and never goes back:
 * of two checkpoints that contradict each other it cosigns at most one, over any number of restarts.
 */
export class Witness {
  readonly #keys = new Map<string, ReturnType<typeof noteKey>[]>();
  /** Per log the request in work and those behind it: check and store are one step. */
  readonly #turns = new Map<string, { last: Promise<unknown>; waiting: number }>();

  /** @throws AffiantError key_invalid */
  constructor(private readonly ports: WitnessPorts) {
    for (const { origin, vkey } of ports.logs) {
      const key = noteKey(vkey);
      if (key.name !== origin)
        throw new AffiantError('key_invalid', 'the name of a log key is not the origin', { where: `${origin}: ${vkey}` });
      this.#keys.set(origin, [...(this.#keys.get(origin) ?? []), key]);
    }
  }

  /** @throws AffiantError ledger_conflict, and what a full disk throws: then nothing was cosigned. */
  async addCheckpoint(body: Buffer): Promise<Answer> {
    let request: AddCheckpoint;
    let note: ParsedNote;
    let head: TreeHead;
    try {
      request = parseAddCheckpoint(body);
      note = parseNote(request.note);
      head = parseTreeHead(note.text);
    } catch (error) {
      if (isAffiantError(error)) return plain(400, error.message);
      throw error;
    }
    const keys = this.#keys.get(head.origin);
    if (keys === undefined) return plain(404, 'this witness does not watch a log of that origin');
    if (!isSigned(note, keys)) return plain(403, 'no valid signature by a known key of that log');
    if (request.oldSize > head.size) return plain(400, 'the old size is larger than the checkpoint');
    return this.#inTurn(head.origin, () => this.#extend(request, note, head));
  }

  /** Alone for its log. */
  async #extend({ oldSize, proof, note: bytes }: AddCheckpoint, note: ParsedNote, head: TreeHead): Promise<Answer> {
    const { heads, signer, clock, logger } = this.ports;
    const { origin, size } = head;
    const known = (await heads.get(origin)) ?? { origin, size: 0, root: EMPTY_ROOT };
    if (oldSize !== known.size) return { status: 409, type: 'text/x.tlog.size', body: `${known.size}\n` };
    const refusal = refusalOf(known, head, proof);
    if (refusal !== null) {
      const contradiction = size === known.size && proof.length === 0;
      if (contradiction) await heads.keepFork(bytes);
      logger.error({ origin, size, root: head.root.toString('hex'), contradiction, reason: refusal }, 'a signed checkpoint was refused');
      return plain(422, refusal);
    }
    // The commit point: a crash after it leaves a head that was never cosigned, and the client asks again from its size.
    if (size > known.size) await heads.put(origin, bytes);
    const line = await cosign(note.text, signer, Math.floor(clock.nowMs() / 1000));
    logger.info({ origin, size, from: known.size }, 'cosigned');
    return { status: 200, type: 'text/plain; charset=utf-8', body: line };
  }

  async #inTurn(origin: string, work: () => Promise<Answer>): Promise<Answer> {
    const turn = this.#turns.get(origin) ?? { last: Promise.resolve(), waiting: 0 };
    this.#turns.set(origin, turn);
    if (turn.waiting >= MAX_WAITING) return plain(503, 'too many requests for that log are waiting');
    turn.waiting += 1;
    const mine = turn.last.then(work).finally(() => (turn.waiting -= 1));
    turn.last = mine.catch(() => undefined);
    return mine;
  }
}

/** Why `next` is not shown to extend `known`; null when it is. */
function refusalOf(known: TreeHead, next: TreeHead, proof: readonly Buffer[]): string | null {
  try {
    if (next.size === 0 && !next.root.equals(EMPTY_ROOT)) return 'the root of an empty tree is another';
    verifyConsistency(known.size, next.size, proof, known.root, next.root);
    return null;
  } catch (error) {
    if (isAffiantError(error)) return error.message;
    throw error;
  }
}

/** At least one known key has signed, and no signature by a known key is bad. */
function isSigned(note: ParsedNote, keys: ReturnType<typeof noteKey>[]): boolean {
  try {
    return checkSignatures(note, keys).length > 0;
  } catch (error) {
    if (isAffiantError(error)) return false;
    throw error;
  }
}

function plain(status: Answer['status'], reason: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${reason}\n` };
}
