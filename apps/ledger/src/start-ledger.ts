import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { EventLogServer } from '#event-log';
import { LedgerModule } from './ledger.module.js';
import { LedgerService } from './ledger-service.js';
import type { LedgerHealth, LedgerPorts } from './ports.js';

/** A running ledger. */
export interface Ledger {
  health(): Promise<LedgerHealth>;
  /** Waits until all that is durable now is queryable and sealed, for at most `milliseconds`. False when time ran out. */
  drain(milliseconds: number): Promise<boolean>;
  /** Ends after the batch and the round in hand. The ports stay open: whoever built them closes them. */
  stop(): Promise<void>;
}

/** Starts ingest and sequencer as a Nest microservice over the event log. @throws AffiantError when the event log cannot be subscribed. */
export async function startLedger(ports: LedgerPorts): Promise<Ledger> {
  const strategy = new EventLogServer({
    eventLog: ports.eventLog,
    onFailure: (group, error) => void app.get(LedgerService).fail(group, error),
  });
  const app = await NestFactory.createMicroservice(LedgerModule.register(ports), { strategy, logger: false, abortOnError: false });
  await app.listen();
  const ledger = app.get(LedgerService);
  return {
    health: () => ledger.health(),
    drain: (milliseconds) => ledger.drain(milliseconds),
    stop: async () => {
      // First let handlers that wait for room or for ever (halted) return: Nest waits for them.
      ledger.stop();
      await app.close();
      await ledger.finished();
    },
  };
}
