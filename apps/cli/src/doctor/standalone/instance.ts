import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunFile } from '../../instance.js';
import { fail, ok, skipped, warn, worst, type Check, type Finding } from '../check.js';
import { judgeTimestamps } from '../timestamps.js';
import { judgeWitnesses } from '../witnesses.js';
import { readMetrics, type MetricValues } from './metrics.js';

const CLOCK_S = 2;
const SEAL_AGE_S = 300;
const NOT_RUNNING = 'no instance runs';

/** Whether this state directory's instance runs, and how it is by its own metrics. */
export function instanceChecks(state: string): Check[] {
  const run = runningInstance(state);
  const metrics = run === null ? null : readMetrics(run.console);
  metrics?.catch(() => undefined);
  const look =
    (judge: (values: MetricValues) => Finding): (() => Promise<Finding>) =>
    async () =>
      metrics === null ? skipped(NOT_RUNNING) : judge(await metrics);
  return [
    {
      id: 'instance.running',
      title: 'Running instance',
      run: async () => {
        if (run === null || metrics === null) return skipped(NOT_RUNNING);
        try {
          await metrics;
          return ok(`process ${run.pid}, gateway ${run.gateway}, console ${run.console}`);
        } catch (error) {
          const finding = fail(
            `process ${run.pid} is there but ${run.console} does not answer (${(error as Error).message})`,
            'Look at its log; when it hangs, end it and start it again.',
          );
          return { ...finding, unreachable: true };
        }
      },
    },
    { id: 'instance.ledger', title: 'Ledger', run: look(judgeLedger) },
    { id: 'instance.witnesses', title: 'Cosigned', run: look(judgeWitnesses) },
    { id: 'instance.timestamps', title: 'Time-stamped', run: look(judgeTimestamps) },
    { id: 'instance.journal', title: 'Journal', run: look(judgeJournal) },
    { id: 'instance.clock', title: 'Clock', run: look(judgeClock) },
  ];
}

/** The run file is removed at a clean stop; after kill -9 it names a process that is gone. */
export function runningInstance(state: string): RunFile | null {
  try {
    const run = JSON.parse(readFileSync(join(state, 'run.json'), 'utf8')) as RunFile;
    process.kill(run.pid, 0);
    return run;
  } catch (error) {
    // Another user's process: it runs, we only may not signal it.
    return (error as { code?: string }).code === 'EPERM' ? (JSON.parse(readFileSync(join(state, 'run.json'), 'utf8')) as RunFile) : null;
  }
}

export function judgeLedger(values: MetricValues): Finding {
  if (values.one('affiant_ledger_halted') === 1)
    return fail('it halted: it holds something else than the journal says', 'Follow ops/runbooks/LedgerHalted.md; change nothing.');
  if (values.one('affiant_ledger_up') !== 1)
    return fail('it does not run', 'Read log/engine.log in the state directory: memory, disk, damage.');
  const unsealed = values.one('affiant_ledger_lag_events', { stage: 'unsealed' }) ?? 0;
  const sealed = values.one('affiant_ledger_sealed_events') ?? 0;
  const lastSeal = values.one('affiant_ledger_last_seal_timestamp_seconds');
  const age = lastSeal === null ? null : Date.now() / 1000 - lastSeal;
  const told = `${sealed} events sealed, ${unsealed} wait`;
  if (unsealed > 0 && age !== null && age > SEAL_AGE_S)
    return fail(`${told}; the last checkpoint is ${Math.round(age)} s old`, 'Follow ops/runbooks/NoCheckpoint.md.');
  return ok(told);
}

export function judgeJournal(values: MetricValues): Finding {
  const pending = values.one('affiant_journal_pending_bytes') ?? 0;
  const mark = values.one('affiant_journal_high_water_bytes') ?? 0;
  const share = mark === 0 ? 0 : pending / mark;
  const told = `${(share * 100).toFixed(1)}% of the high-water mark`;
  if (share >= 0.9) return fail(told, 'Calls are refused at 100%. Follow ops/runbooks/JournalFilling.md.');
  return share >= 0.5 ? warn(told, 'Follow ops/runbooks/JournalFilling.md.') : ok(told);
}

export function judgeClock(values: MetricValues): Finding {
  const offset = values.one('affiant_clock_offset_seconds') ?? 0;
  const slow = values.one('nodejs_eventloop_lag_p99_seconds') ?? 0;
  const told = `moved ${offset.toFixed(3)} s against the monotonic clock since the start`;
  const findings = [
    Math.abs(offset) > CLOCK_S ? warn(told, 'Synchronise the clock of this machine (ops/runbooks/ClockJumped.md).') : ok(told),
    slow > 0.5 ? warn(`the event loop is held up for ${slow.toFixed(2)} s`, 'Follow ops/runbooks/EventLoopSlow.md.') : ok('loop'),
  ];
  return worst(findings, told);
}
