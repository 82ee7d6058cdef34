import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTHeaderParameters, type JWTPayload } from 'jose';
import type { IssuerConfig } from '#config';
import type { Clock } from '#events';
import type { Logger } from '#observability';

export const ISSUER = 'https://idp.example.com';
export const AUDIENCE = 'affiant';
export const NOW_MS = Date.UTC(2026, 10, 21, 9, 0, 0);

/** A clock that moves only when told. */
export class ManualClock implements Clock {
  ms = NOW_MS;
  nowMs = (): number => this.ms;
  nowUs = (): number => this.ms * 1000;
  monotonicUs = (): number => this.ms * 1000;
  offsetUs = (): number => 0;
}

export const issuerConfig: IssuerConfig = {
  name: 'corp',
  issuer: ISSUER,
  audience: AUDIENCE,
  groups_claim: 'groups',
  algorithms: ['RS256', 'EdDSA'],
};

/** Log lines as they were written. */
export function collectingLogger(): { readonly logger: Logger; readonly lines: { level: string; text: string }[] } {
  const lines: { level: string; text: string }[] = [];
  const write =
    (level: string) =>
    (_fields: unknown, text?: string): void =>
      void lines.push({ level, text: text ?? '' });
  const logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error'), fatal: write('fatal') };
  return { logger: logger as unknown as Logger, lines };
}

interface Pair {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

/** An issuer behind a fake fetch, with keys that can be rotated and a network that can fail. */
export class FakeIssuer {
  keys: Pair[] = [];
  fetches: string[] = [];
  down = false;
  document: Record<string, unknown> = { issuer: ISSUER, jwks_uri: `${ISSUER}/jwks` };

  static async create(): Promise<FakeIssuer> {
    const issuer = new FakeIssuer();
    issuer.keys = [await pair('k1')];
    return issuer;
  }

  async rotate(kid: string): Promise<void> {
    this.keys = [await pair(kid)];
  }

  fetch = (url: string): Promise<Response> => {
    this.fetches.push(url);
    if (this.down) return Promise.reject(new Error('connection refused'));
    const body = url.endsWith('/jwks') ? { keys: this.keys.map(({ jwk }) => jwk) } : this.document;
    return Promise.resolve(Response.json(body));
  };

  claims(extra: Record<string, unknown> = {}): JWTPayload {
    const now = Math.floor(NOW_MS / 1000);
    return { iss: ISSUER, aud: AUDIENCE, sub: 'alice', groups: ['engineering'], jti: 'j1', iat: now, exp: now + 3600, ...extra };
  }

  sign(extra: Record<string, unknown> = {}, header: Partial<JWTHeaderParameters> = {}): Promise<string> {
    const [key] = this.keys;
    if (key === undefined) throw new Error('the issuer has no key');
    const full = { alg: 'RS256', kid: key.kid, typ: 'at+jwt', ...header };
    const token = new SignJWT(dropUndefined(this.claims(extra))).setProtectedHeader(dropUndefined(full) as JWTHeaderParameters);
    return token.sign(key.privateKey, header.crit === undefined ? {} : { crit: { 'x-affiant': true } });
  }
}

async function pair(kid: string): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } };
}

function dropUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;
}
