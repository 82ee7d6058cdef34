import type { IncomingHttpHeaders } from 'node:http';
import type { AffiantError } from '#errors';
import type { Protocol, ResponseScreener, Route, ScreenContext, ScreenedRequest, UpstreamHead } from '../protocol.js';
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
  private readonly cache: ScanCache;

  constructor(options: { readonly scanCacheBytes?: number } = {}) {
    this.cache = new ScanCache(options.scanCacheBytes);
  }

  route(method: string, path: string): Route | null {
    return route(method, path);
  }

  async screenRequest(body: Buffer, requested: Route, context: ScreenContext): Promise<ScreenedRequest> {
    if (!requested.hasBody) return screenBodiless(context);
    return await screenRequest(body, context, requested.operation === 'responses' ? RESPONSES_REQUEST : CHAT_REQUEST, this.cache);
  }

  screenResponse(context: ScreenContext, upstream: UpstreamHead): ResponseScreener {
    const type = upstream.contentType.split(';')[0]!.trim().toLowerCase();
    if (type === 'text/event-stream') return new OpenaiStreamScreener(context);
    if (type === 'application/json' || type.endsWith('+json') || type === '' || upstream.status >= 400) {
      return new OpenaiJsonScreener(context, upstream, upstream.keptAlive !== undefined);
    }
    return new OpaqueScreener(context, type);
  }

  refusal(error: AffiantError, requestId: string): ReturnType<Protocol['refusal']> {
    return refusal(error, requestId);
  }

  streamRefusal(error: AffiantError): Buffer {
    return streamRefusal(error);
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
