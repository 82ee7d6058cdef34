import { resolveSecret, type ObjectStoreConfig } from '#config';
import type { Logger } from '#observability';
import { ObjectStore } from './object-store.js';

/** Opens the store of the configuration's section `object_store`. @throws AffiantError config_secret_missing | config_invalid | object_store_failed */
export async function openObjectStore(
  config: ObjectStoreConfig,
  ports: { readonly nowMs: () => number; readonly logger: Logger },
): Promise<ObjectStore> {
  const [accessKeyId, secretAccessKey] = await Promise.all([resolveSecret(config.access_key_id), resolveSecret(config.secret_access_key)]);
  const { endpoint, region, bucket, prefix, path_style: pathStyle, retain: retainMs } = config;
  return ObjectStore.open({ endpoint, region, bucket, prefix, pathStyle, retainMs, accessKeyId, secretAccessKey, ...ports });
}
