import type { Dispatcher } from 'undici';
import { AffiantError } from '#errors';

/** Bytes read ahead of the screener before the upstream is paused. */
const READ_AHEAD = 256 * 1024;

export interface UpstreamAnswer {
  readonly status: number;
  /** Name, value, name, value… as received. */
  readonly rawHeaders: readonly string[];
  /** Lower-case media type without parameters; empty when the upstream names none. */
  readonly contentType: string;
  readonly requestId: string | null;
}

/**
 * One request to an upstream, pulled by its reader: `take()` what is there, then await `ready()`.
 * Reads ahead at most 256 KB; then the upstream is paused until the reader took it.
 */
export class UpstreamCall implements Dispatcher.DispatchHandler {
  head: UpstreamAnswer | null = null;
  /** The upstream ended its answer properly. */
  ended = false;
  error: Error | null = null;
  #controller: Dispatcher.DispatchController | null = null;
  #aborted: Error | null = null;
  readonly #chunks: Buffer[] = [];
  #queued = 0;
  #wake: (() => void) | null = null;
  #waiting: Promise<void> | null = null;

  /** Resolves when something changed since the last take(): head, bytes, end or error. Calling it again gives the same promise. */
  ready(): Promise<void> {
    if (this.#chunks.length > 0 || this.ended || this.error !== null) return Promise.resolve();
    this.#waiting ??= new Promise((resolve) => {
      this.#wake = resolve;
    });
    return this.#waiting;
  }

  /** The next bytes, null when none are here yet. */
  take(): Buffer | null {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return null;
    this.#queued -= chunk.length;
    if (this.#queued < READ_AHEAD && this.#controller?.paused === true) this.#controller.resume();
    return chunk;
  }

  /** Stops asking. What was received and not taken is dropped. */
  abort(reason: Error): void {
    if (this.ended || this.error !== null) return;
    this.#aborted = reason;
    this.#chunks.length = 0;
    this.#controller?.abort(reason);
    this.#fail(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#aborted !== null) controller.abort(this.#aborted);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>): void {
    if (status < 200) return;
    const type = headers['content-type'];
    const requestId = headers['request-id'] ?? headers['x-request-id'];
    this.head = {
      status,
      rawHeaders: rawHeadersOf(controller.rawHeaders, headers),
      contentType: typeof type === 'string' ? (type.split(';', 1)[0] as string).trim().toLowerCase() : '',
      requestId: typeof requestId === 'string' ? requestId : null,
    };
    this.#changed();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.error !== null) return;
    this.#chunks.push(chunk);
    this.#queued += chunk.length;
    if (this.#queued >= READ_AHEAD) controller.pause();
    this.#changed();
  }

  onResponseEnd(): void {
    this.ended = true;
    this.#changed();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  #fail(error: Error): void {
    this.error ??= error;
    this.#changed();
  }

  #changed(): void {
    const wake = this.#wake;
    this.#wake = null;
    this.#waiting = null;
    wake?.();
  }
}

function rawHeadersOf(raw: unknown, parsed: Record<string, string | string[] | undefined>): string[] {
  if (Array.isArray(raw)) return raw.map((part: Buffer | string) => (typeof part === 'string' ? part : part.toString('latin1')));
  return Object.entries(parsed).flatMap(([name, value]) => [value ?? []].flat().flatMap((one) => [name, one]));
}

/** What a failed call means to the caller. */
export function upstreamError(error: Error): AffiantError {
  const code = (error as { code?: string }).code ?? '';
  return code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT' || code === 'UND_ERR_CONNECT_TIMEOUT'
    ? new AffiantError('upstream_timeout', 'the upstream did not answer in time', { cause: error })
    : new AffiantError('upstream_unreachable', 'the upstream cannot be reached or closed the connection', { cause: error });
}
