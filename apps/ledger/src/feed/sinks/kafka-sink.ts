import { OCSF_TOPIC, type OcsfRecord } from '#ocsf';
import type { RecordSink } from '../ports.js';

/** What KafkaSender of #event-log does: resolves when all in-sync replicas have all records, in order. */
export interface OcsfSender {
  send(
    topic: string,
    partition: number,
    records: readonly {
      readonly key: string;
      readonly value: Buffer;
      readonly timestamp: number;
      readonly headers?: Readonly<Record<string, string>>;
    }[],
  ): Promise<unknown>;
}

export interface KafkaSinkOptions {
  readonly sender: OcsfSender;
  /** Partition of a source, the same as on the Avro topics. */
  readonly partitionOf: (sourceId: string) => number;
}

/** Topic affiant.ocsf.v1: key = source id, headers `event_id` and `content-type`. A send that is in doubt is made again, so a record may be doubled. */
export class KafkaSink implements RecordSink {
  readonly name = 'ocsf';

  constructor(private readonly options: KafkaSinkOptions) {}

  async deliver(records: readonly OcsfRecord[]): Promise<void> {
    const { sender, partitionOf } = this.options;
    const partitions = new Map<number, OcsfRecord[]>();
    for (const record of records) {
      const partition = partitionOf(record.sourceId);
      const some = partitions.get(partition);
      if (some === undefined) partitions.set(partition, [record]);
      else some.push(record);
    }
    await Promise.all([...partitions].map(([partition, some]) => sender.send(OCSF_TOPIC, partition, some.map(message))));
  }

  /** The sender belongs to whoever opened it. */
  async close(): Promise<void> {}
}

const message = ({ uid, sourceId, event, json }: OcsfRecord): Parameters<OcsfSender['send']>[2][number] => ({
  key: sourceId,
  value: Buffer.from(json, 'latin1'),
  timestamp: event.time,
  headers: { event_id: uid, 'content-type': 'application/json' },
});
