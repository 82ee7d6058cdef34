import type { IncomingHttpHeaders } from 'node:http';

/** RFC 9110 §7.6.1 and what our own connections set anew. */
const HOP_BY_HOP = new Set([
  'connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade',
]); // prettier-ignore
const NOT_UPSTREAM = new Set(['host', 'content-length', 'expect', 'authorization', 'x-api-key']);
/** Bodies are rewritten, so their length and encoding are ours; the organization is that of the stored credential, not the caller's. */
const NOT_TO_CLIENT = new Set(['content-length', 'content-encoding', 'anthropic-organization-id']);
/** Client-asserted; they join calls, and never say who calls (research/wire.md §0, fact 12). */
const CORRELATION = [
  'x-claude-code-session-id', 'x-claude-code-agent-id', 'x-claude-code-parent-agent-id', 'traceparent', 'tracestate', 'x-app', 'x-stainless-retry-count',
]; // prettier-ignore
const OAUTH_BETA = 'oauth-2025-04-20';
const LONGEST = 256;

function namedByConnection(rawHeaders: readonly string[]): ReadonlySet<string> {
  const named = new Set<string>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.toLowerCase() === 'connection') {
      for (const name of rawHeaders[i + 1]!.split(',')) named.add(name.trim().toLowerCase());
    }
  }
  return named;
}

/** Headers for upstream in the caller's order and spelling: credential exchanged, hop-by-hop left out, identity encoding asked for. */
export function upstreamHeaders(rawHeaders: readonly string[], credential: { readonly header: string; readonly value: string }): string[] {
  const dropped = namedByConnection(rawHeaders);
  const usesKey = credential.header.toLowerCase() === 'x-api-key';
  const headers: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || NOT_UPSTREAM.has(lower) || dropped.has(lower) || lower === 'accept-encoding') continue;
    const value = usesKey && lower === 'anthropic-beta' ? withoutBeta(rawHeaders[i + 1]!, OAUTH_BETA) : rawHeaders[i + 1]!;
    if (value !== null) headers.push(name, value);
  }
  headers.push('accept-encoding', 'identity', credential.header, credential.value);
  return headers;
}

/** A stored API key and the beta of OAuth tokens exclude each other. Null when nothing else is left. */
function withoutBeta(value: string, beta: string): string | null {
  if (!value.includes(beta)) return value;
  const kept = value.split(',').filter((entry) => entry.trim() !== beta);
  return kept.length === 0 ? null : kept.join(',').trim();
}

/** Headers for the client from upstream's raw ones; doubled names stay doubled. */
export function clientHeaders(rawHeaders: readonly string[], requestId: string): Record<string, string | string[]> {
  const dropped = namedByConnection(rawHeaders);
  const headers: Record<string, string | string[]> = {};
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const lower = rawHeaders[i]!.toLowerCase();
    if (HOP_BY_HOP.has(lower) || NOT_TO_CLIENT.has(lower) || dropped.has(lower)) continue;
    const known = headers[lower];
    const value = rawHeaders[i + 1]!;
    headers[lower] = known === undefined ? value : [...(Array.isArray(known) ? known : [known]), value];
  }
  headers['request-id'] ??= requestId;
  return headers;
}

export function correlation(headers: IncomingHttpHeaders): { name: string; value: string }[] {
  const found: { name: string; value: string }[] = [];
  for (const name of CORRELATION) {
    const value = headers[name];
    if (typeof value === 'string' && value !== '') found.push({ name, value: value.slice(0, LONGEST) });
  }
  return found;
}

/** Session id a client names; only what looks like an id. */
export function sessionOf(headers: IncomingHttpHeaders): string | null {
  const value = headers['x-claude-code-session-id'];
  return typeof value === 'string' && /^[\w.:-]{1,128}$/.test(value) ? value : null;
}
