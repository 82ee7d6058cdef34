import type { Verdict } from '#policy';
import type { HeldPart, ResponseScreener } from '../../protocol.js';

export interface Run {
  readonly released: Buffer;
  readonly recorded: Buffer;
  readonly held: readonly HeldPart[];
  readonly blocked: Verdict | null;
  /** Bytes that were out before end() was called. */
  readonly beforeEnd: Buffer;
}

/** Feeds a stream in chunks, answers what is held, ends it. */
export function feed(screener: ResponseScreener, chunks: Iterable<Buffer>, grant = true): Run {
  const released: Buffer[] = [];
  const recorded: Buffer[] = [];
  const held: HeldPart[] = [];
  let blocked: Verdict | null = null;
  const take = (step: ReturnType<ResponseScreener['push']>): void => {
    released.push(...step.release);
    recorded.push(...(step.recorded ?? step.release));
    if (step.blocked !== undefined) blocked = step.blocked;
    if (step.held !== undefined) {
      held.push(step.held);
      take(screener.resolve(grant));
    }
  };
  for (const chunk of chunks) take(screener.push(chunk));
  const beforeEnd = Buffer.concat(released);
  let before = -1;
  // A held JSON body asks in end(): it is ended again after the answer.
  while (before !== held.length) {
    before = held.length;
    take(screener.end());
  }
  return { released: Buffer.concat(released), recorded: Buffer.concat(recorded), held, blocked, beforeEnd };
}

export function* eachByte(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1);
}
