import { Controller, Inject, Module, type DynamicModule, type OnModuleInit } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { LogConsumer, type LogBatch } from '#event-log';
import { ALL_TOPICS } from '#events';
import { replayTo } from './ingest/intent.js';
import { LedgerService } from './ledger-service.js';
import { DEFAULTS, GROUPS, type LedgerPorts } from './ports.js';

const { maxBatchRecords, maxBatchBytes } = DEFAULTS;
const COMMON = { topics: ALL_TOPICS, commits: 'by-handler', maxBatchRecords, maxBatchBytes } as const;

/** Event log -> ledger.events. */
@Controller()
export class IngestController {
  constructor(@Inject(LedgerService) private readonly ledger: LedgerService) {}

  @LogConsumer({ ...COMMON, group: GROUPS.ingest, replayTo })
  ingest(@Payload() batch: LogBatch): Promise<void> {
    return this.ledger.ingest(batch);
  }
}

/** Event log -> tree. */
@Controller()
export class SequenceController {
  constructor(@Inject(LedgerService) private readonly ledger: LedgerService) {}

  @LogConsumer({ ...COMMON, group: GROUPS.sequencer })
  sequence(@Payload() batch: LogBatch): Promise<void> {
    return this.ledger.sequence(batch);
  }
}

const CONTROLLERS = { ingest: IngestController, sequencer: SequenceController } as const;

/** The ledger as a Nest microservice over EventLogServer; `startLedger` runs it. */
@Module({})
export class LedgerModule implements OnModuleInit {
  constructor(@Inject(LedgerService) private readonly ledger: LedgerService) {}

  static register(ports: LedgerPorts): DynamicModule {
    return {
      module: LedgerModule,
      controllers: (ports.roles ?? (['ingest', 'sequencer'] as const))
        // A candidate for the lead subscribes its sequencer itself, when it leads.
        .filter((role) => role === 'ingest' || ports.leadership === undefined)
        .map((role) => CONTROLLERS[role]),
      providers: [{ provide: LedgerService, useFactory: () => new LedgerService(ports) }],
      exports: [LedgerService],
    };
  }

  /** Before the transport listens: both consumers must know where they stand. */
  async onModuleInit(): Promise<void> {
    await this.ledger.open();
  }
}
