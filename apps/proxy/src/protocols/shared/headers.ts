import type { IncomingHttpHeaders } from 'node:http';

/** RFC 9110 §7.6.1 and what our own connections set anew. */
const HOP_BY_HOP = new Set([
  'connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade',
]); // prettier-ignore
/** Set anew for the upstream, or credentials that only we may be given. */
const NOT_UPSTREAM = new Set(['host', 'content-length', 'expect', 'authorization', 'x-api-key', 'accept-encoding']);
/** Bodies are rewritten, so their length and encoding are ours. */
const NOT_TO_CLIENT = new Set(['content-length', 'content-encoding']);
const LONGEST = 256;
const CONNECTION = 'connection';

/** What one protocol wants of headers. Names in lower case. */
export interface HeaderRules {
  readonly notUpstream: ReadonlySet<string>;
  readonly notToClient: ReadonlySet<string>;
  /** Carries the request id to the client. */
  readonly requestId: string;
  /** Client-asserted; they join calls, and never say who calls. */
  readonly correlation: readonly string[];
}

const NONE: ReadonlySet<string> = new Set();

function namedByConnection(rawHeaders: readonly string[]): ReadonlySet<string> {
  let named: Set<string> | null = null;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    // What nearly every message says names nothing else.
    if (name.length !== CONNECTION.length || rawHeaders[i + 1] === 'keep-alive' || name.toLowerCase() !== CONNECTION) continue;
    named ??= new Set();
    for (const dropped of rawHeaders[i + 1]!.split(',')) named.add(dropped.trim().toLowerCase());
  }
  return named ?? NONE;
}

/**
 * Headers for upstream in the caller's order and spelling: credential exchanged, hop-by-hop left out, identity encoding asked for.
 * @param change gives another value for a header; null leaves it out
 */
export function headersForUpstream(
  rawHeaders: readonly string[],
  credential: { readonly header: string; readonly value: string },
  rules: HeaderRules,
  change: (name: string, value: string) => string | null = (_name, value) => value,
): string[] {
  const dropped = namedByConnection(rawHeaders);
  const headers: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || NOT_UPSTREAM.has(lower) || rules.notUpstream.has(lower) || dropped.has(lower)) continue;
    const value = change(lower, rawHeaders[i + 1]!);
    if (value !== null) headers.push(name, value);
  }
  headers.push('accept-encoding', 'identity', credential.header, credential.value);
  return headers;
}

/** Headers for the client from upstream's raw ones; doubled names stay doubled. */
export function headersForClient(rawHeaders: readonly string[], requestId: string, rules: HeaderRules): Record<string, string | string[]> {
  const dropped = namedByConnection(rawHeaders);
  const headers: Record<string, string | string[]> = {};
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const lower = rawHeaders[i]!.toLowerCase();
    if (HOP_BY_HOP.has(lower) || NOT_TO_CLIENT.has(lower) || rules.notToClient.has(lower) || dropped.has(lower)) continue;
    const known = headers[lower];
    const value = rawHeaders[i + 1]!;
    headers[lower] = known === undefined ? value : [...(Array.isArray(known) ? known : [known]), value];
  }
  headers[rules.requestId] ??= requestId;
  return headers;
}

export function correlationHeaders(headers: IncomingHttpHeaders, rules: HeaderRules): { name: string; value: string }[] {
  const found: { name: string; value: string }[] = [];
  for (const name of rules.correlation) {
    const value = headers[name];
    if (typeof value === 'string' && value !== '') found.push({ name, value: value.slice(0, LONGEST) });
  }
  return found;
}

/** A session id a client names; only what looks like an id. */
export function sessionHeader(value: string | string[] | undefined): string | null {
  return typeof value === 'string' && /^[\w.:-]{1,128}$/.test(value) ? value : null;
}
