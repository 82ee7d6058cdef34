// Events a second from a journal to Kafka, and from Kafka to queryable and sealed: a source of its own, written while the ledgers are away.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { answerDraft } from '../../dist/apps/ledger/src/testing/answer-draft.js';
import { KafkaSender, kafkaConnection, partitionOf, PositionFile, Shipper } from '../../dist/libs/event-log/src/index.js';
import { EventCodec, SystemClock, SystemIds } from '../../dist/libs/events/src/index.js';
import { createLogger } from '../../dist/libs/observability/src/index.js';
import { openSource } from '../../dist/libs/service/src/index.js';
import { processTree } from '../support/cpu.mjs';

const SOURCE = 'bench';
/** Exchanges of one session: `audit.bodies` puts the bodies of a session together at once. */
const SESSION = 20;

export async function throughput({ cluster, store, events }) {
  const ledgers = cluster.services('ledger');
  await Promise.all(ledgers.map((ledger) => ledger.stop()));
  const directory = join(cluster.options.directory, 'bench');
  const [codec, clock, ids] = [new EventCodec(), new SystemClock(), new SystemIds()];
  const config = { segment_bytes: 64 << 20, high_water_bytes: 4 * 2 ** 30 };
  const source = await openSource({ sourceId: SOURCE, journalDirectory: directory, key: Buffer.alloc(32, 7), config, codec, clock, ids });
  for (let at = 0; at < events; at += 500) {
    const drafts = Array.from({ length: Math.min(500, events - at) }, (_, index) => {
      const draft = answerDraft();
      const session_id = `bench-${Math.floor((at + index) / SESSION)}`;
      return { ...draft, context: { ...draft.context, session_id, exchange_id: ids.uuid() } };
    });
    await source.recorder.record(drafts);
  }

  const sender = new KafkaSender({ connection: kafkaConnection(cluster.config.kafka, {}) });
  const shipper = new Shipper({
    sourceId: SOURCE,
    reader: source.reader(),
    durableSeq: () => source.journal.durableSeq,
    sender,
    partition: partitionOf(SOURCE, cluster.config.kafka.topics.partitions),
    positions: new PositionFile(join(directory, 'shipped.json')),
    resendAfterMs: 600_000,
    clock,
    logger: createLogger('bench', { level: 'error' }),
  });
  const shipBegun = performance.now();
  await shipper.start();
  await shipper.replicatedThrough(events, 300_000);
  const shipMs = performance.now() - shipBegun;
  await shipper.stop(10_000);
  await sender.close();
  await source.journal.close();

  // From here on what a ledger that comes back needs: its start is not counted, the joining of the group is.
  await Promise.all(ledgers.map((ledger) => ledger.start()));
  const cpu = () => ledgers.reduce((sum, ledger) => sum + processTree(ledger.pid).cpuMs, 0);
  const [begun, cpuBefore] = [performance.now(), cpu()];
  const firstMs = await reached(store, 'ledger.events', `source_id = '${SOURCE}'`, 1, begun);
  const queryableMs = await reached(store, 'ledger.events', `source_id = '${SOURCE}'`, events, begun);
  const sealedMs = await reached(store, 'ledger.leaves', `source_id = '${SOURCE}'`, events, begun);
  const ledgerCpuMs = cpu() - cpuBefore;
  rmSync(directory, { recursive: true, force: true });
  const perSecond = (ms) => Math.round((events * 1000) / ms);
  return {
    events,
    journal_to_kafka_per_s: perSecond(shipMs),
    first_queryable_ms: Math.round(firstMs),
    topic_to_queryable_per_s: perSecond(queryableMs - firstMs),
    topic_to_sealed_per_s: perSecond(sealedMs - firstMs),
    sealed_ms: Math.round(sealedMs),
    events_per_ledger_cpu_second: Math.round((events * 1000) / ledgerCpuMs),
  };
}

async function reached(store, table, where, count, begun) {
  for (;;) {
    const [row] = await store(`SELECT count() AS n FROM ${table} WHERE ${where}`);
    if (Number(row.n) >= count) return performance.now() - begun;
    if (performance.now() - begun > 300_000) throw new Error(`${table} has ${row.n} of ${count} events of ${where} after 300 s`);
    // Each look is a query on the same machine: oftener, and it takes from what is measured.
    await delay(200);
  }
}
