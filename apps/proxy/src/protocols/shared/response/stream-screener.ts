import { AffiantError, toAffiantError } from '#errors';
import { run, SseParser, type Edit, type SseFrame, type Steps } from '#wire';
import { Findings } from '../../../mask/findings.js';
import type { ResponseFacts, ResponseScreener, ScreenContext, ScreenStep } from '../../protocol.js';
import { FactsOfResponse } from './facts.js';
import { frameBytes, type FramedEvent } from './frame-bytes.js';
import { HoldQueue } from './hold-queue.js';
import { Outbox, OutgoingBytes } from './outbox.js';
import { WholeValues } from './whole-values.js';

/** Bound of all that is kept back in one response. */
const MAX_KEPT_BYTES = 32 << 20;
/** Bytes cut into frames at once, and events that leave at once. */
const CHUNK_BYTES = 16 << 10;
const ITEMS_PER_STEP = 4;

/**
 * Screens an event stream. Each frame goes out with its own bytes unless a value in it is replaced or its text has to wait; a text that waits goes
 * out with the next delta of its block, or in the form of the delta it came with. What events mean is the subclass's.
 */
export abstract class StreamScreener<E extends FramedEvent> implements ResponseScreener {
  protected readonly outbox = new Outbox();
  protected readonly holds = new HoldQueue();
  protected readonly findings: Findings;
  protected readonly record: FactsOfResponse;
  protected readonly values: WholeValues;
  /** From the last event (or an error event) on: only end() gives these. */
  protected tail: Buffer[] | null = null;
  private readonly parser = new SseParser();
  private ended = false;

  constructor(context: ScreenContext) {
    this.findings = new Findings(context.policy);
    this.record = new FactsOfResponse(this.findings);
    this.values = new WholeValues(context, this.findings);
  }

  /** Null for a frame that carries no event. @throws AffiantError stream_invalid */
  protected abstract read(frame: SseFrame): Steps<E | null>;

  protected abstract event(event: E, out: OutgoingBytes): Steps<void>;

  /** The upstream ended: what waited for that may go. */
  protected atEnd(): void {
    // Nothing waits for it here.
  }

  get bufferedBytes(): number {
    return this.parser.bufferedBytes + this.outbox.bufferedBytes + (this.tail?.reduce((sum, bytes) => sum + bytes.length, 0) ?? 0);
  }

  push(chunk: Buffer): ScreenStep {
    return run(this.pushing(chunk));
  }

  end(): ScreenStep {
    return run(this.ending());
  }

  *pushing(chunk: Buffer): Steps<ScreenStep> {
    if (this.ended || this.holds.isRefused) return { release: [] };
    const out = new OutgoingBytes();
    try {
      for (let at = 0; at < chunk.length; at += CHUNK_BYTES) {
        for (const frame of this.parser.push(chunk.subarray(at, at + CHUNK_BYTES))) {
          yield* this.frame(frame, out);
          yield;
        }
      }
    } catch (error) {
      throw invalid(error);
    }
    if (this.bufferedBytes > MAX_KEPT_BYTES)
      throw new AffiantError('stream_invalid', 'A part of the response that must be kept back is too large.');
    return yield* this.step(out);
  }

  *ending(): Steps<ScreenStep> {
    if (this.ended || this.holds.isRefused) return { release: [] };
    const out = new OutgoingBytes();
    const rest = this.parser.end();
    if (rest !== null) yield* this.lastFrame(rest, out);
    this.atEnd();
    const step = yield* this.step(out);
    if (step.held !== undefined || step.blocked !== undefined || this.holds.isWaiting) return step;
    this.ended = true;
    // Without its last event the stream broke off: what is not decided is dropped, never flushed.
    this.outbox.clear();
    return { ...step, release: [...step.release, ...(this.tail ?? [])], ...this.tailForTrail(step) };
  }

  resolve(granted: boolean): ScreenStep {
    const refusal = this.holds.resolve(granted);
    if (refusal !== null) {
      this.outbox.clear();
      return { release: [], blocked: refusal };
    }
    return run(this.step(new OutgoingBytes()));
  }

  facts(): ResponseFacts {
    return this.record.facts();
  }

  /** The upstream gave up in the middle: text that is not decided yet is dropped, the error goes on as the last event. */
  protected streamError(event: FramedEvent, type: string, message: string, out: OutgoingBytes): void {
    const bytes = frameBytes(event, this.values.editsOf(event));
    this.record.upstreamError = { type, message: this.values.maskText(message).slice(0, 2_000) };
    this.outbox.drain(out);
    if (!this.holds.isPending) this.outbox.clear();
    this.tail = [bytes];
  }

  /** Keeps the client alive while text waits. */
  protected overtake(bytes: Buffer, out: OutgoingBytes): void {
    this.outbox.drain(out);
    out.add(bytes, bytes);
  }

  protected pass(event: FramedEvent, edits: readonly Edit[]): void {
    const bytes = frameBytes(event, edits);
    this.outbox.push({ weight: event.frame.raw.length, take: () => ({ client: bytes, trail: bytes, done: true }) });
  }

  private *step(out: OutgoingBytes): Steps<ScreenStep> {
    while (!this.outbox.drain(out, ITEMS_PER_STEP)) yield;
    const next = this.holds.next();
    if (next.blocked !== undefined) this.outbox.clear();
    const { release, recorded } = out.done();
    return { release, ...(recorded === undefined ? {} : { recorded }), ...next };
  }

  private tailForTrail(step: ScreenStep): { recorded?: Buffer[] } {
    return step.recorded === undefined ? {} : { recorded: [...step.recorded, ...(this.tail ?? [])] };
  }

  private *frame(frame: SseFrame, out: OutgoingBytes): Steps<void> {
    const event = yield* this.read(frame);
    if (this.tail !== null) {
      this.tail.push(event === null ? frame.raw : frameBytes(event, yield* this.values.editSteps(event)));
    } else if (event === null) this.overtake(frame.raw, out);
    else yield* this.event(event, out);
  }

  /** The bytes after the last blank line: whole events whose blank line was left out go on, half ones are dropped. */
  private *lastFrame(frame: SseFrame, out: OutgoingBytes): Steps<void> {
    try {
      if ((yield* this.read(frame)) === null && !/^[\r\n]*$/.test(frame.raw.toString('latin1'))) return;
    } catch {
      return;
    }
    try {
      yield* this.frame(frame, out);
    } catch (error) {
      throw invalid(error);
    }
  }
}

function invalid(error: unknown): AffiantError {
  const known = toAffiantError(error, 'stream_invalid', 'The upstream stream cannot be screened.');
  if (known.code !== 'body_invalid') return known;
  return new AffiantError('stream_invalid', known.message, { cause: known });
}
