import { resolveSecret, type ObjectStoreConfig } from '#config';
import type { Clock } from '#events';
import { ObjectStore } from '#object-store';
import type { Logger } from '#observability';

/** The bucket of packets and tiles. @throws AffiantError object_store_failed | config_invalid when it keeps no versions or locks | config_secret_missing */
export async function openObjectStore(config: ObjectStoreConfig, clock: Clock, logger: Logger): Promise<ObjectStore> {
  const { endpoint, region, bucket, prefix, path_style: pathStyle, retain: retainMs } = config;
  return ObjectStore.open({
    ...(endpoint === undefined ? {} : { endpoint }),
    region,
    bucket,
    prefix,
    accessKeyId: await resolveSecret(config.access_key_id),
    secretAccessKey: await resolveSecret(config.secret_access_key),
    pathStyle,
    retainMs,
    nowMs: () => clock.nowMs(),
    logger,
  });
}
