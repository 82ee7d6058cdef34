import { resolveSecret, type ClickHouseConfig } from '#config';
import type { MaintenanceOptions } from '#ledger-store';
import { clickhouseHeaders } from '#service';

/** How a login of its own reaches the ClickHouse of distributed mode. @throws AffiantError config_invalid when its secret cannot be read */
export async function maintenanceLogin(
  clickhouse: ClickHouseConfig,
  login: NonNullable<ClickHouseConfig['retention']>,
): Promise<MaintenanceOptions> {
  const { url, cluster } = clickhouse;
  return {
    url,
    headers: await clickhouseHeaders(clickhouse),
    user: login.user,
    password: await resolveSecret(login.password),
    flavour: cluster === undefined ? { kind: 'server' } : { kind: 'cluster', cluster },
  };
}
