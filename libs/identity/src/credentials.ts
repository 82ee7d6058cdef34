import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { AffiantError } from '#errors';

/**
 * The distinct tokens a request carries: Authorization Bearer, Authorization Basic (password; the user name is not looked at), x-api-key.
 * @throws AffiantError token_missing when there is none, token_invalid for another scheme.
 */
export function tokensOf(headers: IncomingHttpHeaders): readonly [string, ...string[]] {
  const tokens: string[] = [];
  const authorization = headers.authorization;
  if (authorization !== undefined && authorization.trim() !== '') tokens.push(fromAuthorization(authorization));
  const value = headers['x-api-key'];
  const key = (Array.isArray(value) ? value.join(',') : (value ?? '')).trim();
  if (key !== '' && !tokens.includes(key)) tokens.push(key);
  const [first, ...rest] = tokens;
  if (first === undefined) throw new AffiantError('token_missing', 'the call carries no token');
  return [first, ...rest];
}

/** RFC 9110 §11.1 (scheme is case-insensitive), RFC 6750 §2.1, RFC 7617 §2. */
function fromAuthorization(value: string): string {
  // No pattern goes over the token, which is long.
  const [head = '', scheme = ''] = /^\s*([A-Za-z]+)\s/.exec(value) ?? [];
  const rest = value.slice(head.length).trim();
  switch (scheme.toLowerCase()) {
    case 'bearer':
      if (rest !== '') return rest;
      break;
    case 'basic': {
      const pair = Buffer.from(rest, 'base64').toString('utf8');
      const password = pair.slice(pair.indexOf(':') + 1).trim();
      if (pair.includes(':') && password !== '') return password;
      throw new AffiantError('token_missing', 'Authorization Basic has no password', { remedy: 'Send the token as the password.' });
    }
    default:
      throw new AffiantError('token_invalid', 'Authorization is neither Bearer nor Basic');
  }
  throw new AffiantError('token_missing', 'Authorization is empty');
}

/** Hex SHA-256; the key under which a token is remembered, so that no raw token stays in memory. */
export function digestOf(text: string): string {
  return hash('sha256', text, 'hex');
}
