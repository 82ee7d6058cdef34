import type { ServerResponse } from 'node:http';
import type { Chunk } from '#events';
import { inPieces, lengthOf, PIECE_BYTES } from './pieces.js';

type Headers = Readonly<Record<string, string | string[]>>;

const TIMELINE_STEPS = 1024;
/** Set here alone, whatever the upstream says. */
const OURS = new Set(['affiant-exchange-id', 'content-length', 'connection']);

/** The way back to one client: what was sent so far, whether it is still there, and when it can take more. */
export class ClientLink {
  /** Status line sent; 0 before. */
  status = 0;
  /** The client closed before it had the whole answer. */
  gone = false;
  /** Set once the exchange is in the trail: the client is told its id in `affiant-exchange-id`. */
  exchangeId: string | null = null;
  readonly timeline: { at_us: number; bytes: number }[] = [];
  readonly #goneListeners = new Set<() => void>();
  #ended = false;

  constructor(
    readonly response: ServerResponse,
    /** Microseconds since the request's arrival. */
    readonly elapsedUs: () => number,
  ) {
    response.on('close', () => {
      if (this.#ended || response.writableFinished) return;
      this.gone = true;
      for (const listener of this.#goneListeners) listener();
    });
    // A write after the peer reset the socket: 'close' follows and says all there is to say.
    response.on('error', () => undefined);
  }

  get opened(): boolean {
    return this.status !== 0;
  }

  /** Returns the unsubscribe; calls at once when the client is gone already. */
  onGone(listener: () => void): () => void {
    if (this.gone) listener();
    else this.#goneListeners.add(listener);
    return () => void this.#goneListeners.delete(listener);
  }

  /** Sends status line and headers with the first bytes that follow. */
  open(status: number, headers: Headers): void {
    if (this.gone) return;
    this.status = status;
    this.response.writeHead(status, this.#headLines(headers, null, null));
  }

  /** False when the client takes no more for now: wait for `drained()`. */
  write(bytes: Buffer): boolean {
    if (this.gone || bytes.length === 0) return true;
    this.#note(bytes.length);
    return this.response.write(bytes);
  }

  /** Resolves when the client takes bytes again, or is gone. */
  drained(): Promise<void> {
    if (this.gone || !this.response.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.response.off('drain', done);
        stop();
        resolve();
      };
      const stop = this.onGone(done);
      this.response.once('drain', done);
    });
  }

  /** A whole answer at once. */
  whole(status: number, headers: Headers, body: Buffer | readonly Buffer[]): void {
    if (this.gone || this.#ended) return;
    this.status = status;
    this.#ended = true;
    const parts = partsOf(body);
    const length = lengthOf(parts);
    this.#note(length);
    // A body that was not read to its end must not be taken for the next request.
    const closing = this.response.req.complete ? null : 'close';
    this.response.writeHead(status, this.#headLines(headers, length, closing));
    this.#finish(parts);
  }

  /** The last bytes of an opened answer. */
  end(last: Buffer | readonly Buffer[]): void {
    if (this.gone || this.#ended) return;
    this.#ended = true;
    const parts = partsOf(last);
    if (lengthOf(parts) > 0) this.#note(lengthOf(parts));
    this.#finish(parts);
  }

  /** Ends without the end: the client sees a broken connection, never a whole answer. */
  cut(): void {
    this.#ended = true;
    this.response.destroy();
  }

  /** Notes a step that is recorded before it is sent, so that the response event holds it too. */
  timelineWith(finalBytes: number): readonly Chunk[] {
    return finalBytes === 0
      ? this.timeline
      : merge(
          this.timeline.map((step) => ({ ...step })),
          { at_us: this.elapsedUs(), bytes: finalBytes },
        );
  }

  #finish(parts: readonly Buffer[]): void {
    if (lengthOf(parts) > PIECE_BYTES) void this.#finishInPieces(parts);
    else this.response.end(parts.length === 1 ? parts[0] : Buffer.concat(parts));
  }

  /** Ends after the last piece; a client that goes meanwhile has a broken answer. */
  async #finishInPieces(parts: readonly Buffer[]): Promise<void> {
    const { response } = this;
    for await (const piece of inPieces(parts)) {
      if (response.destroyed) return;
      if (!response.write(piece)) await drainedOrClosed(response);
    }
    response.end();
  }

  /** Name, value, name, value: a list costs a twentieth of an object that other headers are added to. */
  #headLines(headers: Headers, length: number | null, connection: string | null): (string | string[])[] {
    const lines: (string | string[])[] = [];
    for (const name in headers) if (!OURS.has(name)) lines.push(name, headers[name] as string | string[]);
    if (this.exchangeId !== null) lines.push('affiant-exchange-id', this.exchangeId);
    if (length !== null) lines.push('content-length', String(length));
    if (connection !== null) lines.push('connection', connection);
    return lines;
  }

  #note(bytes: number): void {
    merge(this.timeline, { at_us: this.elapsedUs(), bytes });
  }
}

const partsOf = (bytes: Buffer | readonly Buffer[]): readonly Buffer[] => (Buffer.isBuffer(bytes) ? [bytes] : bytes);

function drainedOrClosed(response: ServerResponse): Promise<void> {
  if (response.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

function merge(timeline: { at_us: number; bytes: number }[], step: { at_us: number; bytes: number }): readonly Chunk[] {
  const last = timeline.at(-1);
  if (timeline.length < TIMELINE_STEPS || last === undefined) timeline.push(step);
  else last.bytes += step.bytes;
  return timeline;
}
