import type { DataSource } from 'typeorm';
import type { ClickHouseConfig, ErasureConfig } from '#config';
import { AffiantError } from '#errors';
import type { Clock, EventCodec, EventRecorder } from '#events';
import type { Logger } from '#observability';
import { maintenanceLogin } from './maintenance-login.js';
import { OneAtATime } from './one-at-a-time.js';

/** How soon an erasure that was agreed on is begun, and how often content of destroyed keys is looked for. */
const EVERY_MS = 5_000;
const SWEEP_MS = 60_000;

interface ServerErasures {
  readonly clickhouse: ClickHouseConfig;
  readonly erasure: ErasureConfig;
  readonly catalogue: DataSource;
  /** Of PostgreSQL. */
  readonly url: string;
  readonly origin: string;
  readonly recorder: EventRecorder;
  readonly codec: EventCodec;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Erasures of distributed mode, in one ledger service at a time. Nothing when the configuration lets nobody request one. Returns the stop. */
export async function startServerErasures(parts: ServerErasures): Promise<() => Promise<void>> {
  const { clickhouse, erasure, catalogue, url, origin, recorder, codec, clock, logger } = parts;
  const { eraser } = clickhouse;
  if (eraser === undefined) {
    if (erasure.request.length === 0 && erasure.approve.length === 0) return async () => undefined;
    throw new AffiantError(
      'config_invalid',
      'the configuration lets people request erasures, and has no clickhouse.eraser to carry them out',
      {
        remedy: 'Give the ledger service that login (ops/clickhouse/roles.sql), or leave the section erasure out.',
      },
    );
  }
  // Large, and without erasures no ledger service needs them.
  const [{ TypeormErasureBook, TypeormHoldBook, TypeormKeyBook }, { BothBooks }, { startErasures }, { ClickHouseErasureStore }] =
    await Promise.all([import('#catalogue'), import('#content-keys'), import('#erasure'), import('#ledger-store')]);
  const store = new ClickHouseErasureStore(await maintenanceLogin(clickhouse, eraser));
  const turn = new OneAtATime({ url, name: `${origin} erasure`, logger });
  const stop = startErasures({
    book: new TypeormErasureBook(catalogue),
    holds: new TypeormHoldBook(catalogue),
    keys: new BothBooks(new TypeormKeyBook(catalogue), new TypeormKeyBook(catalogue, 'originals')),
    store,
    recorder,
    codec,
    nowMs: () => clock.nowMs(),
    everyMs: EVERY_MS,
    sweepMs: SWEEP_MS,
    logger,
    leads: () => turn.leads(),
  });
  return async () => {
    await stop();
    await turn.release();
    await store.close();
  };
}
