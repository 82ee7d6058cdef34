import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { EventLogServer, type EventLog } from '#event-log';
import { LedgerModule } from './ledger.module.js';
import { LedgerService } from './ledger-service.js';
import { GROUPS, type LedgerHealth, type LedgerPorts } from './ports.js';

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
    eventLog: logByGroup(ports),
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

/** The transport serves one log: each group is subscribed to its own. */
function logByGroup({ eventLog, sequencerLog }: LedgerPorts): EventLog {
  if (sequencerLog === undefined) return eventLog;
  const of = (group: string): EventLog => (group === GROUPS.sequencer ? sequencerLog : eventLog);
  return {
    subscribe: (options, onBatch) => of(options.group).subscribe(options, onBatch),
    commit: (group, partition, offset, metadata) => of(group).commit(group, partition, offset, metadata),
    committed: (group) => of(group).committed(group),
    lag: (group) => of(group).lag(group),
    close: async () => undefined,
  };
}
