import type { IncomingHttpHeaders } from 'node:http';
import { correlationHeaders, headersForClient, headersForUpstream, sessionHeader, type HeaderRules } from '../shared/headers.js';

/** Organization and project are those of the stored credential: the caller neither chooses nor learns them. */
const ACCOUNT = new Set(['openai-organization', 'openai-project']);

const RULES: HeaderRules = {
  notUpstream: new Set([...ACCOUNT, 'api-key']),
  notToClient: ACCOUNT,
  requestId: 'x-request-id',
  correlation: ['session_id', 'x-session-id', 'x-client-request-id', 'traceparent', 'tracestate', 'x-stainless-retry-count'],
};

export function upstreamHeaders(rawHeaders: readonly string[], credential: { readonly header: string; readonly value: string }): string[] {
  return headersForUpstream(rawHeaders, credential, RULES);
}

export function clientHeaders(rawHeaders: readonly string[], requestId: string): Record<string, string | string[]> {
  return headersForClient(rawHeaders, requestId, RULES);
}

export function correlation(headers: IncomingHttpHeaders): { name: string; value: string }[] {
  return correlationHeaders(headers, RULES);
}

/** No SDK sends one by itself; `OPENAI_CUSTOM_HEADERS` can, and Codex does. */
export function sessionOf(headers: IncomingHttpHeaders): string | null {
  return sessionHeader(headers['x-session-id']) ?? sessionHeader(headers['session_id']);
}
