import type { ConnectionOptions } from 'node:tls';
import { resolveSecret, type TlsConfig } from '#config';

/** @throws AffiantError config_secret_missing */
export async function tlsOptions({ ca, certificate, key }: TlsConfig): Promise<ConnectionOptions> {
  return {
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca: await resolveSecret(ca) }),
    ...(certificate === undefined ? {} : { cert: await resolveSecret(certificate) }),
    ...(key === undefined ? {} : { key: await resolveSecret(key) }),
  };
}
