import { GROUPS } from '#apps/ledger';
import type { EmbeddedEventLog } from '#event-log';
import { EventCodec, TOPICS } from '#events';
import type { JournalRecorder } from '#journal';
import { SOURCES } from './ledger-task.js';

/**
 * Deletes journal segments the ledger has acknowledged: what a published checkpoint covers, and what no group of the
 * ledger or of a SIEM sink still has to read.
 * A crash before a deletion leaves a segment too many; the next checkpoint deletes it.
 */
export async function trimBehindCheckpoints(
  eventLog: EmbeddedEventLog,
  recorder: JournalRecorder,
  group: string,
  /** Groups of others that must have read an event before it is deleted, e.g. of the SIEM sinks. */
  readers: readonly string[] = [],
): Promise<() => Promise<void>> {
  const codec = new EventCodec();
  // Only the ledger records checkpoints: the gateway's journal would be opened once more for nothing.
  const from = { topics: [TOPICS.checkpoint], partitions: [SOURCES.ledger] };
  const subscription = await eventLog.subscribe(
    { group, ...from, maxBatchRecords: 1_000, maxBatchBytes: 1 << 20, whenTrimmed: 'skip' },
    async (batch) => {
      const last = batch.records.at(-1);
      if (last === undefined) return;
      const decoded = codec.decode(last.value);
      if (decoded.type === 'checkpoint') {
        const covered = decoded.event.frontiers.find(({ source_id }) => source_id === recorder.sourceId)?.seq ?? 0;
        const consumed = (await eventLog.consumed([...Object.values(GROUPS), ...readers])).get(recorder.sourceId) ?? 0;
        await recorder.acknowledge(Math.min(covered, consumed - 1));
      }
      await eventLog.commit(group, batch.partition, batch.lastOffset + 1);
    },
  );
  // Trimming that ended is not an emergency: the journal fills to its high-water mark, which status shows, and then calls are refused.
  subscription.failed.catch(() => undefined);
  return () => subscription.stop();
}
