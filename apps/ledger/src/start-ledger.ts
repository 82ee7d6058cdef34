import 'reflect-metadata';
import type { INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventLogServer, type EventLog, type SubscribeOptions } from '#event-log';
import type { SealedState } from '#tlog';
import { LedgerModule } from './ledger.module.js';
import { LedgerService } from './ledger-service.js';
import { GROUPS, type LedgerHealth, type LedgerPorts } from './ports.js';

/** A running ledger. */
export interface Ledger {
  health(): Promise<LedgerHealth>;
  /** The newest sealed state while this process leads; null otherwise, and once the ledger halted. */
  sealed(): SealedState | null;
  /** Waits until all that is durable now is queryable and sealed, for at most `milliseconds`. False when time ran out. */
  drain(milliseconds: number): Promise<boolean>;
  /** Ends after the batch and the round in hand. The ports stay open: whoever built them closes them. */
  stop(): Promise<void>;
}

/** Starts ingest and sequencer as a Nest microservice over the event log. @throws AffiantError when the event log cannot be subscribed. */
export async function startLedger(ports: LedgerPorts): Promise<Ledger> {
  const strategy = new EventLogServer({
    eventLog: logByGroup(ports, () => app.get(LedgerService)),
    onFailure: (group, error) => void app.get(LedgerService).fail(group, error),
  });
  const app: INestMicroservice = await NestFactory.createMicroservice(LedgerModule.register(ports), {
    strategy,
    logger: false,
    abortOnError: false,
  });
  await app.listen();
  const ledger = app.get(LedgerService);
  return {
    health: () => ledger.health(),
    sealed: () => ledger.sealed(),
    drain: (milliseconds) => ledger.drain(milliseconds),
    stop: async () => {
      // First let handlers that wait for room or for ever (halted) return: Nest waits for them.
      ledger.stop();
      await app.close();
      await ledger.finished();
    },
  };
}

/** The transport serves one log: each group is subscribed to its own, and the ingest's with the comparison that needs the store. */
function logByGroup({ eventLog, sequencerLog = eventLog }: LedgerPorts, ledger: () => LedgerService): EventLog {
  const of = (group: string): EventLog => (group === GROUPS.sequencer ? sequencerLog : eventLog);
  const verifyLast: SubscribeOptions['verifyLast'] = (...last) => ledger().verifyLast(...last);
  return {
    subscribe: (options, onBatch) =>
      of(options.group).subscribe(options.group === GROUPS.ingest ? { ...options, verifyLast } : options, onBatch),
    commit: (group, partition, offset, metadata) => of(group).commit(group, partition, offset, metadata),
    committed: (group) => of(group).committed(group),
    lag: (group) => of(group).lag(group),
    close: async () => undefined,
  };
}
