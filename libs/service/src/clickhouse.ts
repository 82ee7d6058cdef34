import { resolveSecret, type ClickHouseConfig, type LoginConfig } from '#config';
import { serverEngineAccess, type EngineAccess } from '#ledger-store';

/** How readers reach the server of the configuration. @throws AffiantError config_secret_missing */
export async function resolveEngineAccess(config: ClickHouseConfig): Promise<EngineAccess> {
  const login = async ({ user, password }: LoginConfig): Promise<{ user: string; password: string }> => ({
    user,
    password: await resolveSecret(password),
  });
  return serverEngineAccess({
    url: config.url,
    headers: await clickhouseHeaders(config),
    auditor: await login(config.auditor),
    examiner: await login(config.examiner),
    evidence: await login(config.evidence),
  });
}

/** Sent with each request. @throws AffiantError config_secret_missing */
export async function clickhouseHeaders({ headers = {} }: ClickHouseConfig): Promise<Readonly<Record<string, string>>> {
  const sent = await Promise.all(Object.entries(headers).map(async ([name, ref]) => [name, await resolveSecret(ref)] as const));
  return Object.fromEntries(sent);
}
