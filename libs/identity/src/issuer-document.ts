import { AffiantError } from '#errors';

/** What is used of a discovery document (OIDC Discovery §3, RFC 8414 §2). */
export interface IssuerDocument {
  readonly issuer: string;
  readonly jwks_uri: string;
}

/** Reads one document; redirects are not followed. The global fetch fits. */
export type FetchLike = (
  url: string,
  init: { readonly signal: AbortSignal; readonly redirect: 'error' },
) => Promise<{ readonly status: number; json(): Promise<unknown> }>;

/** Where the discovery document of an issuer is: a terminating slash is dropped (OIDC Discovery §4.1). */
export function discoveryUrl(issuer: string): string {
  return `${issuer.endsWith('/') ? issuer.slice(0, -1) : issuer}/.well-known/openid-configuration`;
}

/** https, or http to this machine only. @throws AffiantError config_invalid */
export function assertSafeUrl(text: string, where: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new AffiantError('config_invalid', 'not a URL', { where, cause });
  }
  const loopback = url.hostname === 'localhost' || url.hostname === '[::1]' || /^127(\.\d+){3}$/.test(url.hostname);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && loopback)) return url;
  throw new AffiantError('config_invalid', 'an issuer must be reached over https', { where });
}

/** @throws AffiantError issuer_unavailable when it cannot be read, or names another issuer than the pinned one. */
export async function discover(issuer: string, fetcher: FetchLike, timeoutMs: number): Promise<IssuerDocument> {
  const url = discoveryUrl(issuer);
  let document: Partial<IssuerDocument>;
  try {
    const response = await fetcher(url, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' });
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    document = (await response.json()) as Partial<IssuerDocument>;
  } catch (cause) {
    throw new AffiantError('issuer_unavailable', 'the discovery document cannot be read', { where: url, cause });
  }
  if (document.issuer !== issuer) {
    throw new AffiantError('issuer_unavailable', 'the discovery document names another issuer than the configuration', { where: url });
  }
  if (typeof document.jwks_uri !== 'string')
    throw new AffiantError('issuer_unavailable', 'the discovery document names no keys', { where: url });
  assertSafeUrl(document.jwks_uri, url);
  return { issuer, jwks_uri: document.jwks_uri };
}
