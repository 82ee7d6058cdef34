import { FrontierWatch, PositionFile, ReplicatedRecorder, Shipper, type EventLog, type LogSender, type ShipperReport } from '#event-log';
import type { AffiantError } from '#errors';
import type { Clock, EventCodec, EventRecorder } from '#events';
import type { Logger } from '#observability';
import type { Source } from './source.js';

export interface ShippingOptions {
  readonly source: Source;
  readonly sender: LogSender;
  /** Of the source, in every topic. */
  readonly partition: number;
  /** For the checkpoints; follows for ever. */
  readonly eventLog: EventLog;
  readonly positionFile: string;
  readonly resendAfterMs: number;
  readonly codec: EventCodec;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onError: (error: AffiantError) => void;
}

/** Moves the journal of this process to the event log, and trims it behind the ledger's acknowledgement. Neither needs the event log to be there. */
export class Shipping {
  readonly #shipper: Shipper;
  readonly #watch: FrontierWatch;

  constructor(private readonly options: ShippingOptions) {
    const { source, sender, partition, eventLog, positionFile, resendAfterMs, codec, clock, logger, onError } = options;
    const { sourceId } = source.recorder;
    this.#shipper = new Shipper({
      sourceId,
      reader: source.reader(),
      durableSeq: () => source.journal.durableSeq,
      sender,
      partition,
      positions: new PositionFile(positionFile),
      resendAfterMs,
      clock,
      logger,
      onError,
    });
    this.#watch = new FrontierWatch({
      eventLog,
      group: `trim.${sourceId}`,
      sourceId,
      codec,
      logger,
      onFrontier: async (seq) => {
        this.#shipper.acknowledged(seq);
        await source.recorder.acknowledge(seq);
      },
    });
  }

  async start(): Promise<void> {
    await this.#shipper.start();
    this.#watch.start();
  }

  report(): ShipperReport {
    return this.#shipper.report();
  }

  /** The recorder for a process some of whose connections demand that the event log has their evidence. */
  replicated(isReplicated: (connection: string) => boolean, timeoutMs: number): EventRecorder {
    return new ReplicatedRecorder({ recorder: this.options.source.recorder, shipper: this.#shipper, isReplicated, timeoutMs });
  }

  /** Ships what is durable, for at most `timeoutMs`. False when something is left for the next start. */
  async stop(timeoutMs: number): Promise<boolean> {
    await this.#watch.stop();
    return this.#shipper.stop(timeoutMs);
  }
}
