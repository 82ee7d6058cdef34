// The SIEM feed as the ledger service runs it, in a process of its own that can be killed: argv[2] is JSON {kafka, partitions, origin}.
import { KafkaSink, startFeed } from '#apps/ledger';
import { KafkaEventLog, KafkaSender, partitionOf } from '#event-log';
import { EventCodec } from '#events';
import { createLogger } from '#observability';

const { connection, partitions, origin } = JSON.parse(process.argv[2]);
const report = (message) => console.error(message);
const eventLog = new KafkaEventLog({ connection: { ...connection, clientId: 'siem-feed' }, report });
const sender = new KafkaSender({ connection: { ...connection, clientId: 'siem-feed-out' }, report });
const feed = await startFeed({
  eventLog,
  codec: new EventCodec(),
  origin,
  sinks: [new KafkaSink({ sender, partitionOf: (source) => partitionOf(source, partitions) })],
  recorder: { sourceId: 'feed', bootEpoch: 1, record: async () => [] },
  logger: createLogger('feed', { level: 'warn' }),
  options: { maxBatchRecords: 100 },
});
for (;;) {
  const [health] = await feed.health().catch((error) => [{ failing: String(error) }]);
  console.log(JSON.stringify(health));
  await new Promise((resolve) => setTimeout(resolve, 200));
}
