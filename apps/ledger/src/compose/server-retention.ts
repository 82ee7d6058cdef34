import type { ClickHouseConfig, RetentionConfig } from '#config';
import { AffiantError } from '#errors';
import type { Clock, EventCodec, EventRecorder } from '#events';
import type { Logger } from '#observability';
import type { ServiceContext } from '#service';
import { maintenanceLogin } from './maintenance-login.js';
import { OneAtATime } from './one-at-a-time.js';

interface ServerRetention {
  readonly clickhouse: ClickHouseConfig;
  readonly retention: RetentionConfig;
  /** Of PostgreSQL. */
  readonly url: string;
  readonly origin: string;
  readonly recorder: EventRecorder;
  readonly codec: EventCodec;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly whenThere: ServiceContext['whenThere'];
}

/** Retention of distributed mode, in one ledger service at a time: a lock of its own in PostgreSQL. Nothing when the configuration drops nothing. Returns the stop. */
export async function startServerRetention(parts: ServerRetention): Promise<() => Promise<void>> {
  const { clickhouse, retention, url, origin, recorder, codec, clock, logger, whenThere } = parts;
  const { retention: login } = clickhouse;
  if (login === undefined) {
    if (retention.content === undefined) return async () => undefined;
    throw new AffiantError('config_invalid', 'the configuration has a retention, and no clickhouse.retention to carry it out', {
      remedy: 'Give the ledger service that login (ops/clickhouse/roles.sql), or leave retention.content out.',
    });
  }
  // Large, and without a retention no ledger service needs them.
  const [{ openCatalogue, TypeormHoldBook }, { startRetention }, { ClickHouseRetentionStore }] = await Promise.all([
    import('#catalogue'),
    import('#retention'),
    import('#ledger-store'),
  ]);
  const catalogue = await whenThere('the catalogue', () => openCatalogue({ url, pool: 2 }));
  const store = new ClickHouseRetentionStore(await maintenanceLogin(clickhouse, login));
  const turn = new OneAtATime({ url, name: `${origin} retention`, logger });
  const stop = startRetention({
    book: new TypeormHoldBook(catalogue),
    store,
    recorder,
    codec,
    policy: () => retention,
    nowMs: () => clock.nowMs(),
    everyMs: retention.check_every,
    logger,
    leads: () => turn.leads(),
  });
  return async () => {
    await stop();
    await turn.release();
    await store.close();
    await catalogue.destroy();
  };
}
