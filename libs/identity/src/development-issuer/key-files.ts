import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type CryptoKey, type JWK } from 'jose';

export type IssuerAlgorithm = 'EdDSA' | 'RS256';

export interface IssuerKey {
  readonly alg: IssuerAlgorithm;
  readonly kid: string;
  readonly privateKey: CryptoKey;
  /** For the JWKS. */
  readonly publicJwk: JWK;
}

/** The key in `<directory>/issuer-<alg>.jwk.json` (0600), made at the first start. */
export async function loadIssuerKey(directory: string, alg: IssuerAlgorithm): Promise<IssuerKey> {
  const file = join(directory, `issuer-${alg.toLowerCase()}.jwk.json`);
  const privateJwk = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as JWK) : await createKey(directory, file, alg);
  const publicJwk: JWK =
    alg === 'EdDSA'
      ? { kty: 'OKP', crv: privateJwk.crv ?? '', x: privateJwk.x ?? '' }
      : { kty: 'RSA', n: privateJwk.n ?? '', e: privateJwk.e ?? '' };
  const kid = await calculateJwkThumbprint(publicJwk);
  return {
    alg,
    kid,
    privateKey: (await importJWK(privateJwk, alg)) as CryptoKey,
    publicJwk: { ...publicJwk, kid, alg, use: 'sig' },
  };
}

/** The bearer secret that opens `POST /token`, in `<directory>/issuer.secret` (0600), made at the first start. */
export function loadIssuerSecret(directory: string): { readonly secret: string; readonly path: string } {
  const path = join(directory, 'issuer.secret');
  if (!existsSync(path)) writePrivate(directory, path, `${randomBytes(32).toString('base64url')}\n`);
  return { secret: readFileSync(path, 'utf8').trim(), path };
}

async function createKey(directory: string, file: string, alg: IssuerAlgorithm): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, alg === 'EdDSA' ? { crv: 'Ed25519', extractable: true } : { extractable: true });
  const jwk = await exportJWK(privateKey);
  writePrivate(directory, file, JSON.stringify(jwk));
  return jwk;
}

/** `wx`: a key that is already there is never overwritten. A crash in between leaves a short file; its parse error names the file to delete. */
function writePrivate(directory: string, file: string, text: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
}
