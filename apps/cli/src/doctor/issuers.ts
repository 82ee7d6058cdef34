import type { AffiantConfig, IssuerConfig } from '#config';
import { fail, ok, warn, type Check, type Finding } from './check.js';

const TIMEOUT_MS = 5_000;
const NOTICEABLE_MS = 2_000;

/** Discovery, keys and clock of every issuer, as the gateway would see them. */
export const issuerChecks = (config: AffiantConfig): Check[] =>
  config.identity.issuers.map((issuer) => ({
    id: `issuer.${issuer.name}`,
    title: `Issuer ${issuer.name}`,
    run: () => checkIssuer(issuer, config.identity.clock_tolerance, () => Date.now()),
  }));

export async function checkIssuer(issuer: IssuerConfig, toleranceMs: number, nowMs: () => number): Promise<Finding> {
  let keysUrl = issuer.jwks_uri;
  if (keysUrl === undefined) {
    const { body } = await read(`${issuer.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    if (body['issuer'] !== issuer.issuer)
      return fail(`discovery says it is ${String(body['issuer'])}`, `Write exactly that as issuer of ${issuer.name}, or ask its owner.`);
    keysUrl = String(body['jwks_uri']);
  }
  const { body, dateMs, askedMs } = await read(keysUrl, nowMs);
  const keys = Array.isArray(body['keys']) ? (body['keys'] as { alg?: string }[]) : [];
  if (keys.length === 0) return fail('it publishes no keys', 'Ask the owner of the issuer.');
  if (dateMs === null) return warn(`${keys.length} keys; it does not tell the time`, 'Compare the clocks yourself.');
  const offset = askedMs - dateMs;
  const told = `${keys.length} keys, our clock is ${Math.abs(offset / 1000).toFixed(1)} s ${offset < 0 ? 'behind' : 'ahead'}`;
  // Date has whole seconds.
  if (Math.abs(offset) > toleranceMs + 1_000)
    return fail(told, 'Synchronise the clock of this machine: valid tokens are refused, or expired ones accepted.');
  if (Math.abs(offset) > NOTICEABLE_MS) return warn(told, 'Synchronise the clock of this machine.');
  return ok(told);
}

async function read(
  url: string,
  nowMs: () => number = () => Date.now(),
): Promise<{ body: Record<string, unknown>; dateMs: number | null; askedMs: number }> {
  const sentMs = nowMs();
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' });
  const askedMs = (sentMs + nowMs()) / 2;
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const date = Date.parse(response.headers.get('date') ?? '');
  return { body: (await response.json()) as Record<string, unknown>, dateMs: Number.isNaN(date) ? null : date + 500, askedMs };
}
