import type { Protocol, ResponseScreener, Route, ScreenContext, ScreenedRequest, UpstreamHead } from '../protocol.js';
import type { KnownPrefix } from '../shared/request/known/conversation.js';
import { ScanCache } from '../shared/request/scan-cache.js';
import { screenBodiless, screenRequest } from '../shared/request/screen-request.js';
import { OpaqueScreener } from '../shared/response/opaque-screener.js';
import { assemble } from './assemble.js';
import { clientHeaders, correlation, sessionOf, upstreamHeaders } from './headers.js';
import { refusal, streamRefusal } from './refusals.js';
import { CHAT_REQUEST, RESPONSES_REQUEST } from './request/wire.js';
import { OpenaiJsonScreener } from './response/json-screener.js';
import { OpenaiStreamScreener } from './response/stream-screener.js';
import { route } from './routes.js';

/** Clients of both APIs ignore comments; an event they would hand to the application (research/wire.md §1.4). */
const COMMENT = Buffer.from(': waiting for an approver\n\n');

/** The OpenAI Responses and Chat Completions APIs. Contract: research/wire.md §3–4. */
export class OpenaiProtocol implements Protocol {
  readonly name = 'openai';
  readonly route = route;
  readonly refusal = refusal;
  readonly streamRefusal = streamRefusal;
  readonly correlation = correlation;
  readonly sessionOf = sessionOf;
  readonly upstreamHeaders = upstreamHeaders;
  readonly clientHeaders = clientHeaders;
  readonly assemble = assemble;
  private readonly cache: ScanCache;

  constructor(options: { readonly scanCacheBytes?: number } = {}) {
    this.cache = new ScanCache(options.scanCacheBytes);
  }

  async screenRequest(body: Buffer, requested: Route, context: ScreenContext, known: KnownPrefix | null = null): Promise<ScreenedRequest> {
    if (!requested.hasBody) return screenBodiless(context);
    return await screenRequest(body, context, requested.operation === 'responses' ? RESPONSES_REQUEST : CHAT_REQUEST, this.cache, known);
  }

  screenResponse(context: ScreenContext, upstream: UpstreamHead): ResponseScreener {
    const type = upstream.contentType.split(';')[0]!.trim().toLowerCase();
    if (type === 'text/event-stream') return new OpenaiStreamScreener(context);
    if (type === 'application/json' || type.endsWith('+json') || type === '' || upstream.status >= 400) {
      return new OpenaiJsonScreener(context, upstream, upstream.keptAlive !== undefined);
    }
    return new OpaqueScreener(context, type);
  }

  keepAlive(): Buffer {
    return COMMENT;
  }

  streamHead(requestId: string): ReturnType<Protocol['streamHead']> {
    return {
      status: 200,
      headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache', 'x-request-id': requestId },
    };
  }
}
