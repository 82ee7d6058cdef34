import type { LedgerConfig } from '#config';
import { isAffiantError } from '#errors';
import { cosignerKey } from '#tlog';
import { fail, ok, skipped, warn, worst, type Check, type Finding } from './check.js';
import type { MetricValues } from './standalone/metrics.js';

const QUORUM_AGE_S = 900;

/** Who cosigns the checkpoints. Nobody is no fault of the installation, but it is said. */
export const witnessCheck = ({ witnesses }: LedgerConfig): Check => ({
  id: 'ledger.witnesses',
  title: 'Witnesses',
  run: async (): Promise<Finding> => {
    const { members, quorum = Math.floor(members.length / 2) + 1 } = witnesses;
    if (members.length === 0)
      return skipped(
        'none is configured: that everybody is shown the same history rests on the signature of the log alone (docs/guide/run-a-witness.md)',
      );
    const findings = members.map(({ name, vkey }): Finding => {
      try {
        return ok(cosignerKey(vkey).name);
      } catch (error) {
        if (!isAffiantError(error)) throw error;
        return fail(`${name}: ${error.message}`, 'Write the key that the witness prints at its start.');
      }
    });
    if (new Set(members.map(({ vkey }) => vkey.split('+').at(-1))).size < members.length)
      findings.push(warn('two witnesses have the same key, and count as two', 'Give each witness a key of its own.'));
    return worst(findings, `${quorum} of ${members.map(({ name }) => name).join(', ')}`);
  },
});

/** Whether a quorum has cosigned lately, by the metrics of the running instance. */
export function judgeWitnesses(values: MetricValues): Finding {
  const configured = values.one('affiant_ledger_witnesses') ?? 0;
  if (configured === 0) return skipped('none is configured');
  const cosigned = values.one('affiant_ledger_cosigned_events') ?? 0;
  const behind = (values.one('affiant_ledger_sealed_events') ?? 0) - cosigned;
  const last = values.one('affiant_ledger_last_quorum_timestamp_seconds');
  const age = last === null ? null : Date.now() / 1000 - last;
  const told = `${cosigned} leaves cosigned, ${behind} sealed since`;
  if (behind > 1 && (age === null || age > QUORUM_AGE_S))
    return warn(`${told}; last quorum ${age === null ? 'never' : `${Math.round(age)} s ago`}`, 'Follow ops/runbooks/NoQuorum.md.');
  return ok(told);
}
