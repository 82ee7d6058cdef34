import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, type JWTHeaderParameters, type JWTPayload } from 'jose';
import type { IssuerConfig } from '#config';
import type { Clock } from '#events';
import { AffiantError, isAffiantError } from '#errors';
import { assertClaims, assertHeader, MAX_TOKEN_LENGTH } from './access-token-rules.js';
import type { IssuerKeys } from './issuer-keys.js';
import { principalFromClaims } from './principal-from-claims.js';
import type { Credential } from './port.js';

/** One pinned issuer with its keys. */
export interface TrustedIssuer {
  readonly config: IssuerConfig;
  readonly keys: IssuerKeys;
}

export interface VerifiedToken {
  readonly credential: Credential;
  /** Until when the verdict may be remembered, milliseconds since the Unix epoch. */
  readonly validUntilMs: number;
}

const JWS_SHAPE = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;

/**
 * Verifies an OIDC access token against the pinned issuers (RFC 7519 §7.2, RFC 8725, RFC 9068 §4).
 * The unverified claims are used only to choose which pinned issuer must have signed it.
 * @throws AffiantError token_invalid | token_expired | issuer_unavailable
 */
export async function verifyAccessToken(
  token: string,
  issuers: readonly TrustedIssuer[],
  clock: Clock,
  toleranceMs: number,
): Promise<VerifiedToken> {
  if (token.length > MAX_TOKEN_LENGTH) throw new AffiantError('token_invalid', 'the token is longer than 16 KiB');
  if (!JWS_SHAPE.test(token)) throw new AffiantError('token_invalid', 'not a JSON Web Token');
  const { header, claimed } = decode(token);
  const issuer = chooseIssuer(issuers, claimed);
  assertHeader(header, issuer.config.algorithms);
  const payload = await check(token, issuer, clock, toleranceMs);
  assertClaims(payload, header, issuer.config.audience);
  const iat = payload.iat ?? 0;
  if (iat * 1000 > clock.nowMs() + toleranceMs) throw new AffiantError('token_invalid', 'the token was issued in the future');
  const expiresAtMs = (payload.exp ?? 0) * 1000;
  return {
    credential: { principal: principalFromClaims(payload, issuer.config.groups_claim, token), expiresAtMs },
    validUntilMs: Math.min(expiresAtMs, issuer.keys.validUntilMs),
  };
}

function decode(token: string): { readonly header: JWTHeaderParameters; readonly claimed: JWTPayload } {
  try {
    return { header: decodeProtectedHeader(token) as JWTHeaderParameters, claimed: decodeJwt(token) };
  } catch (cause) {
    throw new AffiantError('token_invalid', 'not a JSON Web Token', { cause });
  }
}

/** Exact comparison, no normalisation (RFC 8414 §2: issuer identifiers are compared as strings). */
function chooseIssuer(issuers: readonly TrustedIssuer[], claimed: JWTPayload): TrustedIssuer {
  const candidates = issuers.filter(({ config }) => config.issuer === claimed.iss);
  const audiences = Array.isArray(claimed.aud) ? claimed.aud : [claimed.aud];
  const chosen = candidates.find(({ config }) => audiences.includes(config.audience));
  if (chosen !== undefined) return chosen;
  throw new AffiantError('token_invalid', candidates.length === 0 ? 'the issuer is not trusted here' : 'the token is for another audience');
}

async function check(token: string, { config, keys }: TrustedIssuer, clock: Clock, toleranceMs: number): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, (header) => keys.find(header), {
      issuer: config.issuer,
      audience: config.audience,
      algorithms: [...config.algorithms],
      requiredClaims: ['sub', 'exp', 'iat'],
      clockTolerance: Math.floor(toleranceMs / 1000),
      currentDate: new Date(clock.nowMs()),
    });
    return payload;
  } catch (error) {
    if (isAffiantError(error)) throw error;
    if (error instanceof errors.JWTExpired) throw new AffiantError('token_expired', 'the token has expired', { cause: error });
    const claim = error instanceof errors.JWTClaimValidationFailed ? `: ${error.claim}` : '';
    throw new AffiantError('token_invalid', `the token does not verify${claim}`, { cause: error });
  }
}
