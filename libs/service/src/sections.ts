import type { AffiantConfig } from '#config';
import { AffiantError } from '#errors';

/** Sections that make distributed mode. */
export type Section = 'kafka' | 'clickhouse' | 'postgres' | 'redis' | 'object_store';

/** A configuration in which these sections are there. */
export type ConfigWith<S extends Section> = AffiantConfig & { readonly [K in S]-?: NonNullable<AffiantConfig[K]> };

/** @throws AffiantError config_invalid that names every section that is missing. */
export function requireSections<S extends Section>(
  service: string,
  config: AffiantConfig,
  needed: readonly S[],
  file: string,
): ConfigWith<S> {
  const missing = needed.filter((section) => config[section] === undefined);
  if (missing.length > 0) {
    throw new AffiantError('config_invalid', `the service ${service} needs the section ${missing.join(', ')}`, {
      where: file,
      remedy: 'Add it (docs/reference/configuration.md), or run everything in one process with `npm start`.',
    });
  }
  return config as unknown as ConfigWith<S>;
}
