import type { IncomingHttpHeaders } from 'node:http';
import type { Protocol, ResponseScreener, Route, ScreenContext, ScreenedRequest, UpstreamHead } from '../protocol.js';
import { assemble } from './assemble.js';
import { clientHeaders, correlation, sessionOf, upstreamHeaders } from './headers.js';
import { countsParsedEvents, keepAliveBytes } from './keep-alive.js';
import { refusal, streamRefusal } from './refusals.js';
import type { KnownPrefix } from '../shared/request/known/conversation.js';
import { ScanCache } from '../shared/request/scan-cache.js';
import { screenBodiless, screenRequest } from '../shared/request/screen-request.js';
import { JsonScreener } from './response/json-screener.js';
import { OpaqueScreener } from '../shared/response/opaque-screener.js';
import { SseScreener } from './response/sse-screener.js';
import { MESSAGES_REQUEST } from './request/wire.js';
import { route } from './routes.js';

/** The Anthropic Messages API. Contract: research/wire.md §1–2; acceptance: peers.md §4. */
export class AnthropicProtocol implements Protocol {
  readonly name = 'anthropic';
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
    return requested.hasBody ? await screenRequest(body, context, MESSAGES_REQUEST, this.cache, known) : screenBodiless(context);
  }

  screenResponse(context: ScreenContext, upstream: UpstreamHead): ResponseScreener {
    const type = upstream.contentType.split(';')[0]!.trim().toLowerCase();
    if (type === 'text/event-stream') {
      return new SseScreener(context, upstream.keptAlive !== undefined && countsParsedEvents(upstream.keptAlive));
    }
    if (type === 'application/json' || type.endsWith('+json') || type === '' || upstream.status >= 400) {
      return new JsonScreener(context, upstream, upstream.keptAlive !== undefined);
    }
    return new OpaqueScreener(context, type);
  }

  keepAlive(headers: IncomingHttpHeaders, opened: boolean): Buffer {
    return keepAliveBytes(headers, opened);
  }

  streamHead(requestId: string): ReturnType<Protocol['streamHead']> {
    return {
      status: 200,
      headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache', 'request-id': requestId },
    };
  }
}
