import { resolveSecret, type ClickHouseConfig, type LoginConfig } from '#config';
import type { ClickHouseLedgerStore } from '#ledger-store';

/** The ledger store on the server of the configuration, as that user. @throws AffiantError config_secret_missing */
export async function serverStore(config: ClickHouseConfig, login: LoginConfig): Promise<ClickHouseLedgerStore> {
  // Large, and no other command needs it.
  const { ClickHouseLedgerStore: Store } = await import('#ledger-store');
  const { clickhouseHeaders } = await import('#service');
  const { url, cluster } = config;
  return new Store({
    url,
    headers: await clickhouseHeaders(config),
    user: login.user,
    password: await resolveSecret(login.password),
    flavour: cluster === undefined ? { kind: 'server' } : { kind: 'cluster', cluster },
  });
}
