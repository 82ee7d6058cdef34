import { AffiantError } from '#errors';
import { runInSlices, Slices, type Steps } from '#wire';
import { OriginalDigest } from '../original-digest.js';
import type { UpstreamFacts } from '../record/answer-record.js';
import type { ResponseScreener, ScreenStep } from '../protocols/protocol.js';
import type { UpstreamAnswer } from './upstream-call.js';

/** Masked bytes: for the client, and for the trail, which may have to be told less. */
export interface MaskedBytes {
  readonly shown: Buffer;
  readonly recorded: Buffer;
}

const EMPTY = Buffer.alloc(0);
const NOTHING: MaskedBytes = { shown: EMPTY, recorded: EMPTY };

/** One upstream answer on its way through the screener: what came in (digest, length), what came out (masked bytes). */
export class MaskedAnswer {
  /** What the client may have so far, in order. What is released after the upstream's end is in `final` instead. */
  readonly output: MaskedBytes[] = [];
  outputBytes = 0;
  /** Parts of `output` the client that asked was handed. */
  sent = 0;
  /** May leave only after the response event is durable. */
  final: MaskedBytes = NOTHING;
  upstreamEnded = false;
  #originalLength = 0;
  #closed = false;
  #digest: string | null = null;
  readonly #digesting = new OriginalDigest();

  constructor(
    readonly head: UpstreamAnswer,
    readonly screener: ResponseScreener,
    private readonly digestKey: Buffer,
    readonly firstByteUs: number,
    /** Largest answer, bytes. */
    readonly limit: number,
    /** Keep-alive bytes the answer goes on from; a client that was not sent them must be sent these first. */
    readonly prefix: Buffer | null,
  ) {}

  /** @throws AffiantError stream_invalid | detector_failed | policy_failed */
  async push(chunk: Buffer): Promise<ScreenStep> {
    this.#originalLength += chunk.length;
    if (!this.#closed) this.#digesting.update(chunk);
    if (this.#originalLength > this.limit) {
      throw new AffiantError('stream_invalid', `the upstream's answer is larger than ${this.limit} bytes`);
    }
    return this.#keep(await this.#inSlices(this.screener.pushing(chunk)));
  }

  /** The upstream ended: what is left is final. May hold or block once more; called again after resume() then. */
  async end(): Promise<ScreenStep> {
    this.upstreamEnded = true;
    this.#closed = true;
    return this.#keep(await this.#inSlices(this.screener.ending()));
  }

  /** The approver granted the part in hand. */
  resume(): ScreenStep {
    return this.#keep(this.screener.resolve(true));
  }

  /** Nothing more is read: the digest is over what was received. */
  close(): void {
    this.#closed = true;
  }

  /** What the client was handed, as the trail tells it. */
  sentForTrail(): Buffer[] {
    return this.output.slice(0, this.sent).map(({ recorded }) => recorded);
  }

  /** What it was not handed yet, the final bytes included. In parts: they may be megabytes. */
  rest(): { readonly shown: readonly Buffer[]; readonly recorded: readonly Buffer[]; readonly length: number } {
    const parts = [...this.output.slice(this.sent), this.final];
    const shown = parts.map((part) => part.shown);
    return { shown, recorded: parts.map((part) => part.recorded), length: shown.reduce((sum, { length }) => sum + length, 0) };
  }

  upstream(): UpstreamFacts {
    if (this.#closed && this.#originalLength > 0) this.#digest ??= this.#digesting.end(this.digestKey);
    return {
      status: this.head.status,
      requestId: this.head.requestId,
      mediaType: this.head.contentType === '' ? 'application/octet-stream' : this.head.contentType,
      originalLength: this.#originalLength,
      originalDigest: this.#digest,
      firstByteUs: this.firstByteUs,
      ended: this.upstreamEnded,
    };
  }

  /** A budget of its own each time: what came over the network came in a new turn. */
  #inSlices(steps: Steps<ScreenStep>): ScreenStep | Promise<ScreenStep> {
    return runInSlices(steps, new Slices());
  }

  #keep(step: ScreenStep): ScreenStep {
    if (step.release.length === 0) return step;
    const shown = joined(step.release);
    const bytes = { shown, recorded: step.recorded === undefined ? shown : joined(step.recorded) };
    if (this.upstreamEnded) {
      this.final =
        this.final === NOTHING
          ? bytes
          : { shown: joined([this.final.shown, shown]), recorded: joined([this.final.recorded, bytes.recorded]) };
    } else {
      this.output.push(bytes);
      this.outputBytes += shown.length;
    }
    return step;
  }
}

function joined(parts: readonly Buffer[]): Buffer {
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
}
