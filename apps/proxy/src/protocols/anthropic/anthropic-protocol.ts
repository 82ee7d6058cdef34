import type { IncomingHttpHeaders } from 'node:http';
import type { AffiantError } from '#errors';
import type { Protocol, ResponseScreener, Route, ScreenContext, ScreenedRequest, UpstreamHead } from '../protocol.js';
import { assemble } from './assemble.js';
import { clientHeaders, correlation, sessionOf, upstreamHeaders } from './headers.js';
import { countsParsedEvents, keepAliveBytes } from './keep-alive.js';
import { refusal, streamRefusal } from './refusals.js';
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
  private readonly cache: ScanCache;

  constructor(options: { readonly scanCacheBytes?: number } = {}) {
    this.cache = new ScanCache(options.scanCacheBytes);
  }

  route(method: string, path: string): Route | null {
    return route(method, path);
  }

  async screenRequest(body: Buffer, requested: Route, context: ScreenContext): Promise<ScreenedRequest> {
    return requested.hasBody ? await screenRequest(body, context, MESSAGES_REQUEST, this.cache) : screenBodiless(context);
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

  refusal(error: AffiantError, requestId: string): ReturnType<Protocol['refusal']> {
    return refusal(error, requestId);
  }

  streamRefusal(error: AffiantError, requestId: string): Buffer {
    return streamRefusal(error, requestId);
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

  correlation(headers: IncomingHttpHeaders): ReturnType<Protocol['correlation']> {
    return correlation(headers);
  }

  sessionOf(headers: IncomingHttpHeaders): string | null {
    return sessionOf(headers);
  }

  upstreamHeaders(rawHeaders: readonly string[], credential: { readonly header: string; readonly value: string }): string[] {
    return upstreamHeaders(rawHeaders, credential);
  }

  clientHeaders(rawHeaders: readonly string[], requestId: string): Record<string, string | string[]> {
    return clientHeaders(rawHeaders, requestId);
  }

  assemble(stream: Buffer): Buffer {
    return assemble(stream);
  }
}
