import { AffiantError, toAffiantError } from '#errors';
import { run, SseParser, type Edit, type SseFrame, type Steps } from '#wire';
import { Findings } from '../../../mask/findings.js';
import type { ResponseFacts, ResponseScreener, ScreenContext, ScreenStep } from '../../protocol.js';
import { closeKeepAliveBlock } from '../keep-alive.js';
import { Blocks } from './blocks.js';
import { FactsOfResponse, member, text } from '../../shared/response/facts.js';
import { frameBytes } from '../../shared/response/frame-bytes.js';
import { HoldQueue } from '../../shared/response/hold-queue.js';
import { Outbox, OutgoingBytes } from '../../shared/response/outbox.js';
import { readFrame, type StreamEvent } from './read-frame.js';
import { WholeValues } from '../../shared/response/whole-values.js';

/** Bound of all that is kept back in one response. */
const MAX_KEPT_BYTES = 32 << 20;
/** Bytes cut into frames at once, and events that leave at once. */
const CHUNK_BYTES = 16 << 10;
const ITEMS_PER_STEP = 4;

/**
 * Screens a Messages event stream. Each frame goes out with its own bytes unless a value in it is replaced or its text has to wait; a text that
 * waits goes out with the next delta of its block, or in the form of the delta it came with.
 */
export class SseScreener implements ResponseScreener {
  private readonly parser = new SseParser();
  private readonly outbox = new Outbox();
  private readonly holds = new HoldQueue();
  private readonly findings: Findings;
  private readonly record: FactsOfResponse;
  private readonly values: WholeValues;
  private readonly blocks: Blocks;
  /** From message_stop (or an error event) on: only end() gives these. */
  private tail: Buffer[] | null = null;
  private ended = false;

  constructor(
    context: ScreenContext,
    /** The client has a message_start and an empty text block from us already: go on from there. */
    private readonly continues: boolean,
  ) {
    this.findings = new Findings(context.policy);
    this.record = new FactsOfResponse(this.findings);
    this.values = new WholeValues(context, this.findings);
    this.blocks = new Blocks(context, this.findings, this.values, this.outbox, this.holds, this.record);
    if (continues)
      this.outbox.push({ weight: 0, take: () => ({ client: closeKeepAliveBlock(), trail: closeKeepAliveBlock(), done: true }) });
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
    const step = yield* this.step(out);
    if (step.held !== undefined || step.blocked !== undefined || this.holds.isWaiting) return step;
    this.ended = true;
    // Without message_stop the stream broke off: what is not decided is dropped, never flushed.
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
    const event = yield* readFrame(frame);
    if (this.tail !== null) {
      this.tail.push(event === null ? frame.raw : frameBytes(event, yield* this.values.editSteps(event)));
    } else if (event === null) this.overtake(frame.raw, out);
    else yield* this.event(event, out);
  }

  /** The bytes after the last blank line: whole events whose blank line was left out go on, half ones are dropped. */
  private *lastFrame(frame: SseFrame, out: OutgoingBytes): Steps<void> {
    try {
      if ((yield* readFrame(frame)) === null && !/^[\r\n]*$/.test(frame.raw.toString('latin1'))) return;
    } catch {
      return;
    }
    try {
      yield* this.frame(frame, out);
    } catch (error) {
      throw invalid(error);
    }
  }

  private *event(event: StreamEvent, out: OutgoingBytes): Steps<void> {
    switch (event.type) {
      case 'ping':
        // Keeps the client alive while text waits, so it may overtake.
        if (this.outbox.isEmpty) this.pass(event, yield* this.values.editSteps(event));
        else this.overtake(frameBytes(event, this.values.editsOf(event)), out);
        return;
      case 'message_start':
        yield* this.messageStart(event);
        return;
      case 'content_block_start':
        yield* this.blocks.start(event, this.shift(event));
        return;
      case 'content_block_delta':
        yield* this.blocks.delta(event, this.shift(event));
        return;
      case 'content_block_stop':
        yield* this.blocks.stop(event, this.shift(event));
        return;
      case 'message_delta': {
        const data = parse(event);
        this.record.usage(member(data, 'usage'));
        this.record.stopReason = text(member(member(data, 'delta'), 'stop_reason')) ?? this.record.stopReason;
        this.pass(event, yield* this.values.editSteps(event));
        return;
      }
      case 'message_stop':
        yield* this.blocks.finish();
        this.record.complete = true;
        this.tail = [frameBytes(event, this.values.editsOf(event))];
        return;
      case 'error':
        this.streamError(event, out);
        return;
      default:
        this.pass(event, yield* this.values.editSteps(event));
    }
  }

  private *messageStart(event: StreamEvent): Steps<void> {
    const message = member(parse(event), 'message');
    this.record.model = text(member(message, 'model'));
    this.record.usage(member(message, 'usage'));
    if (!this.continues) this.pass(event, yield* this.values.editSteps(event));
  }

  /** The upstream gave up in the middle: text that is not decided yet is dropped, the error goes on as the last event. */
  private streamError(event: StreamEvent, out: OutgoingBytes): void {
    const bytes = frameBytes(event, this.values.editsOf(event));
    const error = member(parse(event), 'error');
    const message = text(member(error, 'message')) ?? '';
    this.record.upstreamError = { type: text(member(error, 'type')) ?? 'error', message: this.values.maskText(message).slice(0, 2_000) };
    this.outbox.drain(out);
    if (!this.holds.isPending) this.outbox.clear();
    this.tail = [bytes];
  }

  private overtake(bytes: Buffer, out: OutgoingBytes): void {
    this.outbox.drain(out);
    out.add(bytes, bytes);
  }

  private pass(event: StreamEvent, edits: readonly Edit[]): void {
    const bytes = frameBytes(event, edits);
    this.outbox.push({ weight: event.frame.raw.length, take: () => ({ client: bytes, trail: bytes, done: true }) });
  }

  private shift(event: StreamEvent): Edit[] {
    if (!this.continues || event.indexStart === -1) return [];
    return [{ start: event.indexStart, end: event.indexEnd, bytes: Buffer.from(String(event.index + 1)) }];
  }
}

function invalid(error: unknown): AffiantError {
  const known = toAffiantError(error, 'stream_invalid', 'The upstream stream cannot be screened.');
  if (known.code !== 'body_invalid') return known;
  return new AffiantError('stream_invalid', known.message, { cause: known });
}

function parse(event: StreamEvent): unknown {
  return event.leaves === null ? null : (JSON.parse(event.data.toString()) as unknown);
}
