import type { EventCodec, Topic } from '#events';
import type { LogRecord, Subscription } from '#event-log';
import { StoredEventLog } from '#ledger-store';
import { LedgerService } from '../ledger-service.js';
import type { LedgerOptions, LedgerPorts } from '../ports.js';
import { EventReader } from '../read-event.js';
import type { FaultPlan, FaultyProcess } from './faults.js';
import { MemoryBroker } from './memory-broker.js';
import { World } from './world.js';

/** A process of the ledger that runs until it is stopped or killed. */
export interface Running {
  readonly service: LedgerService;
  readonly process: FaultyProcess;
  stop(): Promise<void>;
}

/**
 * The world of distributed mode: each source writes its journal (the memory event log), and `ship` brings journals to a broker with two partitions
 * per topic, as often and in whatever order a test likes.
 */
export class BrokerWorld extends World {
  readonly broker = new MemoryBroker();

  /** Ships what `choose` picks of each journal, in the order of its records; everything unless given. */
  ship(choose: (record: LogRecord) => boolean = () => true, hole = 0): void {
    for (const records of this.log.partitions.values()) {
      for (const record of records) if (choose(record)) this.broker.produce(record.topic, numberOf(record.partition), record.value, hole);
    }
  }

  /** Bytes that are no event, on a topic of the broker. */
  garbage(value: Buffer, topic: Topic = 'affiant.request.v1'): void {
    this.broker.produce(topic, 0, value);
  }

  override ports(plan?: FaultPlan, options?: Partial<LedgerOptions>): LedgerPorts & { readonly process: FaultyProcess } {
    const ports = super.ports(plan, options);
    const { process, checkpoints, logger } = ports;
    const pause = ports.options.pause!;
    const sequencerLog = new StoredEventLog({ events: process.wrap('events', this.store), checkpoints, logger, pause });
    const connection = this.broker.connect();
    // A broker ends the session of a dead member, also of one that died while it joined.
    void process.died.then(() => connection.close());
    return { ...ports, eventLog: process.wrap('log', connection), sequencerLog, ownLog: this.log.tail() };
  }

  /** From now on what a source writes comes to the broker by itself, and once more a little later. */
  shipByItself(): void {
    let late: LogRecord | undefined;
    this.log.onAppend = (record) => {
      this.broker.produce(record.topic, numberOf(record.partition), record.value);
      if (late !== undefined && record.offset % 3 === 0) this.broker.produce(late.topic, numberOf(late.partition), late.value, 1);
      late = record;
    };
  }

  /** What is durable in a journal or on the broker. */
  override records(): LogRecord[] {
    const garbage = [...this.broker.partitions.values()].flat().filter((record) => isGarbage(this.codec, record));
    return [...super.records(), ...garbage];
  }

  /** Starts a process that only ingests. */
  async startIngest(
    plan?: FaultPlan,
    options?: Partial<LedgerOptions>,
    change: (ports: LedgerPorts) => Partial<LedgerPorts> = () => ({}),
  ): Promise<Running> {
    const made = this.ports(plan, options);
    const ports = { ...made, ...change(made), roles: ['ingest'] as const };
    const service = new LedgerService(ports);
    await service.open();
    const [consumer] = service.consumers();
    const subscription: Subscription = await ports.eventLog.subscribe(consumer!.options, consumer!.onBatch);
    const stop = async (): Promise<void> => {
      await subscription.stop();
      service.stop();
      await Promise.race([service.finished(), ports.process.died]);
      ports.process.kill();
    };
    return { service, process: ports.process, stop };
  }

  /** True when no record is left that the ingest has not committed, and no intent is open. */
  ingested(): boolean {
    const committed = this.broker.committed('ledger.ingest');
    return [...this.broker.partitions].every(([partition, records]) => {
      const position = committed.get(partition);
      return position !== undefined && position.metadata === null && position.offset > records.at(-1)!.offset;
    });
  }

  /** What must hold of the rows: every event of the broker once, byte for byte, under the place of one of its records. */
  rowFaults(): string[] {
    const faults: string[] = [];
    const reader = new EventReader(this.codec);
    const expected = new Map<string, Set<string>>();
    for (const record of [...this.broker.partitions.values()].flat()) {
      const { source_id, seq, payload_hash } = reader.read(record).event;
      const key = `${source_id} ${seq} ${payload_hash.toString('hex')}`;
      expected.set(key, new Set([...(expected.get(key) ?? []), `${record.partition} ${record.offset}`]));
    }
    for (const row of this.store.events) {
      const key = `${row.source_id} ${row.seq} ${row.payload_hash.toString('hex')}`;
      const places = expected.get(key);
      if (places === undefined) faults.push(`${key} is there twice, or never came`);
      else if (!places.has(`${row.log_partition} ${row.log_offset}`))
        faults.push(`${key} is not from ${row.log_partition} ${row.log_offset}`);
      expected.delete(key);
    }
    for (const key of expected.keys()) faults.push(`${key} is lost`);
    return faults;
  }
}

function isGarbage(codec: EventCodec, record: LogRecord): boolean {
  return new EventReader(codec).read(record).decoded === null;
}

/** Two partitions per topic. */
const numberOf = (source: string): number => source.length % 2;
