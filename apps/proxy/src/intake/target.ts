/** A request target taken apart; the query goes upstream as it came and is never matched on. */
export interface Target {
  /** Name in `/c/<name>/…`; null for a bare path. */
  readonly connection: string | null;
  /** Path without prefix and query, begins with `/`. */
  readonly path: string;
  /** With its `?`; empty when there is none. */
  readonly query: string;
}

const CONNECTION_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/**
 * Takes a request target (RFC 9112 §3.2.1 origin-form) apart. Null for other forms and for paths a prefix match could be
 * fooled with: dot segments, backslashes, percent-encoding in the path, empty segments.
 */
export function parseTarget(url: string): Target | null {
  const queryAt = url.indexOf('?');
  const full = queryAt === -1 ? url : url.slice(0, queryAt);
  const query = queryAt === -1 ? '' : url.slice(queryAt);
  if (!full.startsWith('/') || /[\\%#]|\/\/|\/\.{1,2}(?:\/|$)/.test(full)) return null;
  if (!full.startsWith('/c/')) return { connection: null, path: full, query };
  const end = full.indexOf('/', 3);
  const connection = end === -1 ? full.slice(3) : full.slice(3, end);
  return CONNECTION_NAME.test(connection) ? { connection, path: end === -1 ? '/' : full.slice(end), query } : null;
}
