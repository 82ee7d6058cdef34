import type { IncomingHttpHeaders } from 'node:http';
import { correlationHeaders, headersForClient, headersForUpstream, sessionHeader, type HeaderRules } from '../shared/headers.js';

const RULES: HeaderRules = {
  notUpstream: new Set(),
  // The organization is that of the stored credential, not the caller's.
  notToClient: new Set(['anthropic-organization-id']),
  requestId: 'request-id',
  // research/wire.md §0, fact 12.
  correlation: [
    'x-claude-code-session-id', 'x-claude-code-agent-id', 'x-claude-code-parent-agent-id', 'traceparent', 'tracestate', 'x-app', 'x-stainless-retry-count',
  ], // prettier-ignore
};
const OAUTH_BETA = 'oauth-2025-04-20';

export function upstreamHeaders(rawHeaders: readonly string[], credential: { readonly header: string; readonly value: string }): string[] {
  const usesKey = credential.header.toLowerCase() === 'x-api-key';
  return headersForUpstream(rawHeaders, credential, RULES, (name, value) =>
    usesKey && name === 'anthropic-beta' ? withoutBeta(value, OAUTH_BETA) : value,
  );
}

/** A stored API key and the beta of OAuth tokens exclude each other. Null when nothing else is left. */
function withoutBeta(value: string, beta: string): string | null {
  if (!value.includes(beta)) return value;
  const kept = value.split(',').filter((entry) => entry.trim() !== beta);
  return kept.length === 0 ? null : kept.join(',').trim();
}

export function clientHeaders(rawHeaders: readonly string[], requestId: string): Record<string, string | string[]> {
  return headersForClient(rawHeaders, requestId, RULES);
}

export function correlation(headers: IncomingHttpHeaders): { name: string; value: string }[] {
  return correlationHeaders(headers, RULES);
}

export function sessionOf(headers: IncomingHttpHeaders): string | null {
  return sessionHeader(headers['x-claude-code-session-id']);
}
