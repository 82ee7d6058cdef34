import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { LedgerConfig } from '#config';
import { isAffiantError } from '#errors';
import { httpAuthority, readCertificates } from '#timestamp';
import { fail, ok, skipped, warn, worst, type Check, type Finding } from './check.js';
import type { MetricValues } from './standalone/metrics.js';

/** Events of our own that make the tree larger without being worth a stamp. */
const ECHO = 8;
/** Beside two intervals, seconds. */
const GRACE_S = 900;

/** Asks each authority for a stamp over random bytes and checks it in full. None is no fault of the installation, but it is said. */
export const timestampCheck = ({ timestamps }: LedgerConfig): Check => ({
  id: 'ledger.timestamps',
  title: 'Time stamps',
  run: async (): Promise<Finding> => {
    const { authorities, timeout, renew_before } = timestamps;
    if (authorities.length === 0)
      return skipped('no authority is configured: when something was in the log rests on our own clock (docs/guide/time-stamps.md)');
    const tries = authorities.map(async ({ name, url, root }): Promise<Finding> => {
      try {
        const roots = readCertificates(await readFile(root, 'utf8'));
        const { verified } = await httpAuthority({ name, url, roots, timeout }).stamp(randomBytes(32));
        const ends = `${name}: its certificate ends ${new Date(verified.expiresAt).toISOString()}`;
        if (verified.expiresAt - Date.now() > renew_before) return ok(ends);
        return warn(
          `${ends}, sooner than renew_before`,
          'Each stamp would be renewed at once: ask the authority for its next certificate.',
        );
      } catch (error) {
        const reason = isAffiantError(error) ? `${error.code}: ${error.message}` : (error as Error).message;
        return fail(`${name}: ${reason}`, 'Follow ops/runbooks/TimestampAuthorityAway.md.');
      }
    });
    return worst(await Promise.all(tries), `${authorities.map(({ name }) => name).join(', ')} stamped, and the stamps verify`);
  },
});

/** Whether each authority stamps, stamped lately and has renewed its stamps, by the metrics of the running instance. */
export function judgeTimestamps(values: MetricValues): Finding {
  const configured = values.one('affiant_ledger_timestamp_authorities') ?? 0;
  if (configured === 0) return skipped('no authority is configured');
  const now = Date.now() / 1000;
  const sealed = values.one('affiant_ledger_sealed_events') ?? 0;
  const interval = values.one('affiant_ledger_timestamp_interval_seconds') ?? 0;
  const renewBefore = values.one('affiant_ledger_timestamp_renew_before_seconds') ?? 0;
  const findings = values.labels('affiant_ledger_timestamped_events', 'authority').map((authority): Finding => {
    const of = (name: string): number | null => values.one(name, { authority });
    if (of('affiant_ledger_timestamp_failing') === 1)
      return warn(`${authority} does not stamp`, 'Follow ops/runbooks/TimestampAuthorityAway.md.');
    const behind = sealed - (of('affiant_ledger_timestamped_events') ?? 0);
    const last = of('affiant_ledger_last_stamp_timestamp_seconds');
    if (behind > ECHO && (last === null || now - last > 2 * interval + GRACE_S))
      return warn(`${authority}: ${behind} leaves without a stamp for too long`, 'Follow ops/runbooks/TimestampMissing.md.');
    const expires = of('affiant_ledger_stamp_expires_timestamp_seconds');
    if (expires !== null && expires - now < renewBefore / 2)
      return warn(
        `${authority}: a stamp ends ${new Date(expires * 1000).toISOString()} and is not renewed`,
        'Follow ops/runbooks/TimestampExpiring.md.',
      );
    return ok(`${authority}: ${behind} leaves since the last stamp`);
  });
  return worst(findings, findings.map(({ detail }) => detail).join('; '));
}
