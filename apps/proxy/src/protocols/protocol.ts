import type { IncomingHttpHeaders } from 'node:http';
import type { ConnectionConfig, RestorePlace } from '#config';
import type { Original } from '#content-keys';
import type { AffiantError } from '#errors';
import type { Mask } from '#events';
import type { Placeholder } from '#detect';
import type { RuleOutcome, SelectedPolicy, Verdict } from '#policy';
import type { BroughtValues } from '../mask/brought-values.js';
import type { Steps } from '#wire';
import type { Conversation, KnownPrefix } from './shared/request/known/conversation.js';

/** What a path means to a protocol. Paths that no protocol knows are refused (default deny). */
export interface Route {
  /** E.g. messages, count_tokens, responses, chat_completions, models, probe. */
  readonly operation: string;
  /** Path to use upstream, without the connection prefix and the query. */
  readonly upstreamPath: string;
  /** False for HEAD / (answered here) and for GETs without a body. */
  readonly hasBody: boolean;
  readonly forwards: boolean;
}

/** Gives the values that were masked somewhere; asked for only when what they were masked in is recorded for the first time. */
export type OriginalsOf = () => readonly Original[] | Promise<readonly Original[]>;

/** A piece of a masked body that is stored by digest. */
export interface BodyPiece {
  /** SHA-256 of `bytes`; empty in an answer of no session, whose pieces nobody looks for. */
  readonly sha256: Buffer;
  readonly bytes: Buffer;
  /** It comes and goes with the piece before it, so the trail may store the two as one. */
  readonly joins?: boolean;
  /** What was masked in it and policy wants kept; the same function for all cuts of one piece. Absent = nothing. */
  readonly originals?: OriginalsOf;
}

export interface ScreenedRequest {
  readonly model: string | null;
  readonly stream: boolean;
  readonly tools: readonly string[];
  /** Session the body itself names (metadata.user_id), when it does. Correlation only. */
  readonly sessionHint: string | null;
  /** What policy says about the whole request; `mask` when values were replaced and nothing stronger hit. */
  readonly verdict: Verdict;
  /** What goes upstream, in order: the original buffer itself when nothing was replaced. */
  readonly masked: readonly Buffer[];
  /** `masked` cut at the protocol's own boundaries (system, tools, runs of messages), in order, concatenating to `masked` exactly; none above 128 kB. */
  readonly pieces: readonly BodyPiece[];
  readonly masks: readonly Mask[];
  /** SHA-256 over what makes two requests the same call: the masked body without `stream` and `max_tokens`. */
  readonly callDigest: Buffer;
  /** Digest of the last user text: joins the session-title twin. Null when there is none. */
  readonly promptDigest: Buffer | null;
  /** Masked last user text, at most 2,000 characters, for the approver. */
  readonly summary: string;
  /**
   * Digests of the single texts (masked) that asked for a hold; empty when a hold comes from the whole request (model, tools) or there is none.
   * Agents resend the conversation: when all of these were granted to the same principal before, asking again adds nothing.
   */
  readonly heldPieces: readonly Buffer[];
  /** The values that were masked, for the answer to this very request; null when policy gives none back. Memory only. */
  readonly brought: BroughtValues | null;
  /** What to remember of it, so that it is recognised when it comes again; null when it is not worth that. Memory only. */
  readonly conversation: Conversation | null;
}

/** A part of the response that waits for people. */
export interface HeldPart {
  readonly verdict: Verdict;
  /** Name of the tool the model calls; null when response text is held. */
  readonly tool: string | null;
  /** Masked tool input or text, at most 4,000 characters, for the approver. */
  readonly summary: string;
  /** SHA-256 of the exact content held. */
  readonly digest: Buffer;
}

export interface ScreenStep {
  /** Masked bytes the client may have now. */
  readonly release: readonly Buffer[];
  /** The same for the trail, where it must differ: values that policy lets the client have, but not the trail. Absent = as released. */
  readonly recorded?: readonly Buffer[];
  /** Set when the screener has stopped at a part policy holds: feed it on (it buffers), then call resolve(). */
  readonly held?: HeldPart;
  /** Set when policy blocks the response: the rest must not be sent. */
  readonly blocked?: Verdict;
}

/** Values of one kind that went out at least in part. */
export interface Leak {
  readonly entity: string;
  readonly rule: string;
  readonly policy: string;
  count: number;
}

/** Values of one type that the caller gets back in one place. */
export interface Restored {
  readonly entity: string;
  readonly policy: string;
  readonly place: RestorePlace;
  count: number;
}

export interface ResponseFacts {
  readonly model: string | null;
  readonly stopReason: string | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cacheReadTokens: number | null;
  readonly cacheCreationTokens: number | null;
  readonly toolCalls: readonly string[];
  readonly masks: readonly Mask[];
  /** Verdict over everything screened so far. */
  readonly rules: readonly RuleOutcome[];
  /** Values that lay across two texts of the response, found when the second came: what had gone out by then cannot be called back. */
  readonly leaks?: readonly Leak[];
  /** Values the client gets, or was to get, in place of placeholders. */
  readonly restored?: readonly Restored[];
  /** What was masked and policy wants kept; absent = nothing. */
  readonly originals?: OriginalsOf;
  /** An `event: error` was seen mid-stream. */
  readonly upstreamError: { readonly type: string; readonly message: string } | null;
  /** The protocol's own end was seen (message_stop, or whole JSON). */
  readonly complete: boolean;
}

/**
 * Screens one upstream response. Never releases an unscanned byte; never re-serialises: values are spliced.
 * Released bytes concatenate to the masked response. The final event (message_stop, or the whole JSON body) is only
 * returned by end(), so that the caller can make the response event durable first.
 */
export interface ResponseScreener {
  /** @throws AffiantError stream_invalid | detector_failed | policy_failed */
  push(chunk: Buffer): ScreenStep;
  /**
   * Upstream ended. `release` holds the final bytes. An early end flushes nothing unscanned. While a part is held it gives nothing: call
   * resolve(), then end() again. A whole JSON body can also answer `held` here: the same goes for it.
   */
  end(): ScreenStep;
  /** push() in steps, so that no response holds the event loop. Nothing else may be called before its end. */
  pushing(chunk: Buffer): Steps<ScreenStep>;
  /** end() in steps; likewise. */
  ending(): Steps<ScreenStep>;
  /** The approver's answer on the part in hand. `release` goes on from there. */
  resolve(granted: boolean): ScreenStep;
  facts(): ResponseFacts;
  /** Bytes buffered inside; the caller stops reading upstream above its bound. */
  readonly bufferedBytes: number;
}

export interface ScreenContext {
  readonly policy: SelectedPolicy;
  readonly placeholder: Placeholder;
  /** Key of the scan cache: policy digest and detector version. */
  readonly cacheScope: string;
  /** Values of the request that this is the answer to; absent = nothing is given back. */
  readonly brought?: BroughtValues | null;
  /** What the connection says about calls of its protocol; absent = its defaults. */
  readonly connection?: Pick<ConnectionConfig, 'provider_state'>;
}

/** What is known of an upstream response before its first byte. */
export interface UpstreamHead {
  readonly status: number;
  readonly contentType: string;
  /** Headers of the client, when keepAlive() bytes went to it already: the response then goes on from those bytes. */
  readonly keptAlive?: IncomingHttpHeaders;
}

/** Port: a wire protocol. Adding one is adding a folder here and a line in the registry; nothing else changes. */
export interface Protocol {
  readonly name: string;
  route(method: string, path: string): Route | null;
  /**
   * Parses into text spans, scans, decides, splices. Works in slices: never holds the event loop longer than 5 ms; yields in between.
   * `known`: what was recognised while the body came, and is not in it; the result is that of the whole body.
   * @throws AffiantError body_invalid (malformed JSON, invalid UTF-8, duplicate keys), detector_failed, policy_failed
   */
  screenRequest(body: Buffer, route: Route, context: ScreenContext, known?: KnownPrefix | null): Promise<ScreenedRequest>;
  /** `status` and `contentType` of the upstream response choose between SSE, JSON and error body (values masked only). */
  screenResponse(context: ScreenContext, upstream: UpstreamHead): ResponseScreener;
  /** A refusal before any byte, in the caller's own error format, with the statuses of research/wire.md §1.3. */
  refusal(
    error: AffiantError,
    requestId: string,
  ): { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: Buffer };
  /** The same after the stream was opened. */
  streamRefusal(error: AffiantError, requestId: string): Buffer;
  /** Bytes that keep a waiting stream open for this client; `opened` is false for the first. */
  keepAlive(headers: IncomingHttpHeaders, opened: boolean): Buffer;
  /** Status line and headers to open a stream with before the upstream was asked. */
  streamHead(requestId: string): { readonly status: number; readonly headers: Readonly<Record<string, string>> };
  /** Client-asserted correlation headers worth recording. */
  correlation(headers: IncomingHttpHeaders): readonly { readonly name: string; readonly value: string }[];
  /** Session id the headers name, if any. */
  sessionOf(headers: IncomingHttpHeaders): string | null;
  /** Headers for upstream: the caller's credential removed, the stored one put in, hop-by-hop removed, all others as they came. */
  upstreamHeaders(rawHeaders: readonly string[], credential: { readonly header: string; readonly value: string }): string[];
  /** Headers for the client from upstream's; content-length/encoding dropped when the body is rewritten. */
  clientHeaders(rawHeaders: readonly string[], requestId: string): Record<string, string | string[]>;
  /** Turns the masked SSE bytes of a streamed response into the equivalent whole message (for the non-stream twin of a held stream). */
  assemble(stream: Buffer): Buffer;
}
