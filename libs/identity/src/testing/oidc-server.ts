import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A real OIDC server (npm oidc-provider) on a free loopback port, with one confidential client and resource indicators (RFC 8707). */
export interface OidcServer {
  readonly issuer: string;
  /** Client credentials grant: a workload's JWT access token. */
  clientToken(): Promise<string>;
  /** Authorization code grant with PKCE, through its login and consent pages: a person's tokens. */
  userTokens(login: string): Promise<{ readonly access_token: string; readonly id_token: string }>;
  close(): Promise<void>;
}

interface Provider {
  callback(): (request: unknown, response: unknown) => void;
}

const CLIENT = { id: 'console', secret: 'a-secret-of-this-test-only', redirect: 'https://client.example.com/callback' };
const RESOURCE = 'urn:affiant:gateway';
const VERIFIER = 'v'.repeat(43);

export async function startOidcServer(audience: string): Promise<OidcServer> {
  const module = (await import('oidc-provider' as string)) as { default: new (issuer: string, config: object) => Provider };
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new module.default(issuer, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [CLIENT.redirect],
        grant_types: ['authorization_code', 'client_credentials'],
        response_types: ['code'],
      },
    ],
    scopes: ['openid', 'messages'],
    cookies: { keys: ['test'] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope: 'messages', audience, accessTokenFormat: 'jwt', accessTokenTTL: 600 }),
      },
    },
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    extraTokenClaims: () => ({ groups: ['engineering'] }),
  });
  server.on('request', provider.callback());
  return {
    issuer,
    clientToken: async () =>
      (await redeem(issuer, { grant_type: 'client_credentials', resource: RESOURCE, scope: 'messages' })).access_token,
    userTokens: (login) => signIn(issuer, login),
    close: () => close(server),
  };
}

async function redeem(issuer: string, form: Record<string, string>): Promise<{ access_token: string; id_token: string }> {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${CLIENT.id}:${CLIENT.secret}`).toString('base64')}` },
    body: new URLSearchParams(form),
  });
  if (!response.ok) throw new Error(`token endpoint: ${await response.text()}`);
  return (await response.json()) as { access_token: string; id_token: string };
}

async function signIn(issuer: string, login: string): Promise<{ access_token: string; id_token: string }> {
  const { createHash } = await import('node:crypto');
  const cookies = new Map<string, string>();
  const challenge = createHash('sha256').update(VERIFIER).digest('base64url');
  const query = new URLSearchParams({
    client_id: CLIENT.id,
    redirect_uri: CLIENT.redirect,
    response_type: 'code',
    scope: 'openid messages',
    resource: RESOURCE,
    nonce: 'n-1',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  });
  const step = async (url: string, form?: Record<string, string>): Promise<string> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=');
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location === null) throw new Error(`no redirect from ${url}: ${response.status} ${await response.text()}`);
    return new URL(location, issuer).href;
  };
  let at = await step(`${issuer}/auth?${query}`);
  at = await step(await step(at, { prompt: 'login', login, password: 'x' }));
  at = await step(await step(at, { prompt: 'consent' }));
  const code = new URL(at).searchParams.get('code') ?? '';
  return redeem(issuer, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: CLIENT.redirect,
    code_verifier: VERIFIER,
    resource: RESOURCE,
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
