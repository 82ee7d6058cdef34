import { AffiantError } from '#errors';
import { concatSteps, isUtf8Steps, run, type Steps } from '#wire';
import { Findings } from '../../../mask/findings.js';
import type { ResponseFacts, ResponseScreener, ScreenContext, ScreenStep, UpstreamHead } from '../../protocol.js';
import { errorFrame } from '../error-frame.js';
import { FactsOfResponse } from './facts.js';
import { HoldQueue } from './hold-queue.js';
import { maskPlainSteps } from './plain-text.js';
import { WholeValues } from './whole-values.js';

const MAX_BYTES = 32 << 20;

/** A document that was screened: what the client gets, and what the trail gets. Asked for once all decisions are made. */
export interface ScreenedDocument {
  /** Null when the client gets what the trail gets. */
  client(): Steps<Buffer> | null;
  trail(): Steps<Buffer>;
}

/** Screens a response that is one JSON document: an answer, a count, a list of models, an error. Gives it whole, at the end. */
export abstract class DocumentScreener implements ResponseScreener {
  protected readonly findings: Findings;
  protected readonly record: FactsOfResponse;
  protected readonly values: WholeValues;
  protected readonly holds = new HoldQueue();
  private readonly chunks: Buffer[] = [];
  private size = 0;
  private document: ScreenedDocument | null = null;
  private ended = false;

  constructor(
    protected readonly context: ScreenContext,
    protected readonly upstream: UpstreamHead,
    /** The client reads an event stream already: the document goes to it as an error event. */
    private readonly continues: boolean,
  ) {
    this.findings = new Findings(context.policy);
    this.record = new FactsOfResponse(this.findings);
    this.values = new WholeValues(context, this.findings);
  }

  /** @throws what the JSON scanner throws for bytes that are no JSON */
  protected abstract screen(bytes: Buffer): Steps<ScreenedDocument>;

  get bufferedBytes(): number {
    return this.size;
  }

  push(chunk: Buffer): ScreenStep {
    this.chunks.push(chunk);
    this.size += chunk.length;
    if (this.size > MAX_BYTES) throw new AffiantError('stream_invalid', 'The response is too large to be screened whole.');
    return { release: [] };
  }

  end(): ScreenStep {
    return run(this.ending());
  }

  // oxlint-disable-next-line require-yield
  *pushing(chunk: Buffer): Steps<ScreenStep> {
    return this.push(chunk);
  }

  *ending(): Steps<ScreenStep> {
    if (this.ended || this.holds.isRefused || this.holds.isWaiting) return { release: [] };
    if (this.document === null) {
      this.document = yield* this.read(yield* concatSteps(this.chunks));
      const next = this.holds.next();
      if (next.held !== undefined || next.blocked !== undefined) return { release: [], ...next };
    }
    this.ended = true;
    this.size = 0;
    const wrap = (bytes: Buffer): Buffer => (this.continues ? errorFrame(bytes) : bytes);
    const trail = yield* this.document.trail();
    if (trail.length === 0) return { release: [] };
    const client = this.document.client();
    return client === null ? { release: [wrap(trail)] } : { release: [wrap(yield* client)], recorded: [wrap(trail)] };
  }

  resolve(granted: boolean): ScreenStep {
    const refusal = this.holds.resolve(granted);
    if (refusal !== null) return { release: [], blocked: refusal };
    return { release: [], ...this.holds.next() };
  }

  facts(): ResponseFacts {
    return this.record.facts();
  }

  protected get isError(): boolean {
    return this.upstream.status >= 400;
  }

  private *read(bytes: Buffer): Steps<ScreenedDocument> {
    this.record.complete = true;
    if (bytes.length === 0) return wholeOf(bytes);
    if (!(yield* isUtf8Steps(bytes))) throw new AffiantError('stream_invalid', 'The upstream response is not valid UTF-8.');
    try {
      return yield* this.screen(bytes);
    } catch (error) {
      if (!(error instanceof AffiantError) || error.code !== 'body_invalid') throw error;
      // The provider's front end answers errors in words or HTML.
      if (this.isError) return yield* this.plainText(bytes);
      throw new AffiantError('stream_invalid', 'The upstream response is not well-formed JSON.', { cause: error });
    }
  }

  private *plainText(bytes: Buffer): Steps<ScreenedDocument> {
    const out = yield* maskPlainSteps(bytes, this.values.rules);
    this.record.upstreamError = { type: 'error', message: out.toString('utf8', 0, 8_000).slice(0, 2_000) };
    return wholeOf(out);
  }
}

/** The same in both forms. */
function wholeOf(bytes: Buffer): ScreenedDocument {
  // oxlint-disable-next-line require-yield
  function* whole(): Steps<Buffer> {
    return bytes;
  }
  return { client: () => null, trail: whole };
}
