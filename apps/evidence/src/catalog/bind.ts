import { isoMicro } from '#events';

/** Values of one packet, as SQL literals in every query. */
export interface QueryBinding {
  readonly treeSize: number;
  /** Microseconds since the Unix epoch. */
  readonly fromUs: number;
  readonly toUs: number;
}

const HOUR_US = 3_600_000_000;

/** Width of the time axis: at most about 200 buckets. */
export function bucketOf(binding: QueryBinding): 'MINUTE' | 'HOUR' | 'DAY' | 'WEEK' {
  const hours = (binding.toUs - binding.fromUs) / HOUR_US;
  if (hours <= 2) return 'MINUTE';
  if (hours <= 24 * 4) return 'HOUR';
  return hours <= 24 * 200 ? 'DAY' : 'WEEK';
}

/** Microseconds -> `toDateTime64('2026-11-21 09:00:00.000000', 6, 'UTC')`. */
export function instantLiteral(us: number): string {
  return `toDateTime64('${isoMicro(us).replace('T', ' ').replace('Z', '')}', 6, 'UTC')`;
}

/** Writes the values into a template; only numbers and instants made here ever get in. */
export function bindQuery(sql: string, binding: QueryBinding): string {
  if (!Number.isSafeInteger(binding.treeSize) || binding.treeSize < 0) throw new RangeError('tree size');
  return sql.replaceAll(/\{(tree_size|from|to|bucket:(\w+))\}/g, (_, name: string, column: string | undefined) => {
    if (name === 'tree_size') return String(binding.treeSize);
    if (name === 'from') return instantLiteral(binding.fromUs);
    if (name === 'to') return instantLiteral(binding.toUs);
    return `toStartOfInterval(${column}, INTERVAL 1 ${bucketOf(binding)})`;
  });
}
