import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { SystemIds, type Clock, type Ids } from '#events';
import { AffiantError, toAffiantError } from '#errors';
import { digestOf } from '../credentials.js';
import { loadIssuerKey, loadIssuerSecret, type IssuerAlgorithm, type IssuerKey } from './key-files.js';
import { readTokenRequest, type TokenRequest } from './token-request.js';

export interface DevelopmentIssuerOptions {
  readonly stateDirectory: string;
  /** 0 = any free port. */
  readonly port: number;
  /** Loopback only. */
  readonly host: string;
  /** The `aud` of every token. */
  readonly audience: string;
  readonly clock: Clock;
  readonly ids?: Ids;
}

export interface DevelopmentIssuer {
  /** The `iss` of its tokens and the base URL of discovery. */
  readonly issuer: string;
  readonly jwksUri: string;
  readonly algorithms: readonly IssuerAlgorithm[];
  readonly groupsClaim: 'groups';
  /** File with the bearer secret of `POST /token`. */
  readonly secretPath: string;
  /** The same token `POST /token` gives, without the way over HTTP. */
  issue(request: Pick<TokenRequest, 'subject' | 'groups'> & Partial<TokenRequest>): Promise<string>;
  close(): Promise<void>;
}

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);
const MAX_BODY = 16 * 1024;

/**
 * An OIDC issuer for development and the demo: discovery, JWKS and `POST /token`. Whoever can read `<state>/keys` can be anybody, so it
 * listens on loopback only and is never started beside a production configuration.
 * @throws AffiantError config_invalid for another host than loopback.
 */
export async function startDevelopmentIssuer(options: DevelopmentIssuerOptions): Promise<DevelopmentIssuer> {
  if (!LOOPBACK.has(options.host)) {
    throw new AffiantError('config_invalid', 'the development issuer serves loopback only', { where: 'identity.development_issuer' });
  }
  const directory = join(options.stateDirectory, 'keys');
  const keys = [await loadIssuerKey(directory, 'EdDSA'), await loadIssuerKey(directory, 'RS256')] as const;
  const { secret, path: secretPath } = loadIssuerSecret(directory);
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const issuer = `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`;
  const ids = options.ids ?? new SystemIds();

  async function issue(asked: Pick<TokenRequest, 'subject' | 'groups'> & Partial<TokenRequest>): Promise<string> {
    const { subject, groups, ttl = 3600, kind = 'user', actor = null, algorithm = 'EdDSA' } = asked;
    const key = keys.find(({ alg }) => alg === algorithm) as IssuerKey;
    const now = Math.floor(options.clock.nowMs() / 1000);
    const claims = {
      groups,
      client_id: 'affiant-cli',
      ...(kind === 'workload' ? { idtyp: 'app' } : {}),
      ...(actor === null ? {} : { act: { sub: actor } }),
    };
    return new SignJWT(claims)
      .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt' })
      .setIssuer(issuer)
      .setAudience(options.audience)
      .setSubject(subject)
      .setJti(ids.uuid())
      .setIssuedAt(now)
      .setExpirationTime(now + ttl)
      .sign(key.privateKey);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await route(request);
      send(response, 200, body);
    } catch (cause) {
      const error = toAffiantError(cause, 'internal', 'the issuer failed');
      send(response, error.status, { error: error.toJSON() });
    }
  }

  async function route(request: IncomingMessage): Promise<object> {
    const path = (request.url ?? '/').split('?')[0];
    if (request.method === 'GET' && path === '/.well-known/openid-configuration') return discovery(issuer);
    if (request.method === 'GET' && path === '/jwks') return { keys: keys.map(({ publicJwk }) => publicJwk) };
    if (request.method === 'POST' && path === '/token') {
      assertSecret(request, secret);
      const asked = readTokenRequest(await readBody(request));
      return { access_token: await issue(asked), token_type: 'Bearer', expires_in: asked.ttl };
    }
    throw new AffiantError('not_found', 'the development issuer has no such address');
  }

  return {
    issuer,
    jwksUri: `${issuer}/jwks`,
    algorithms: ['EdDSA', 'RS256'],
    groupsClaim: 'groups',
    secretPath,
    issue,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** OIDC Discovery §3: what a client needs to verify our tokens; there is no browser flow. */
function discovery(issuer: string): object {
  return {
    issuer,
    jwks_uri: `${issuer}/jwks`,
    token_endpoint: `${issuer}/token`,
    response_types_supported: [],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['EdDSA', 'RS256'],
  };
}

function assertSecret(request: IncomingMessage, secret: string): void {
  const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  if (!timingSafeEqual(Buffer.from(digestOf(given)), Buffer.from(digestOf(secret)))) {
    throw new AffiantError('token_invalid', 'the issuer secret is wrong', { remedy: 'Send the content of keys/issuer.secret as Bearer.' });
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY) throw new AffiantError('body_too_large', 'the body is larger than 16 KiB', { remedy: 'Send less.' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
}
