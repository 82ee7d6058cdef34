import { resolveSecret, type ClickHouseConfig } from '#config';
import { ContentOpener } from '#content-keys';
import { AffiantError } from '#errors';
import { EmbeddedEventLog, KafkaSender, partitionOf } from '#event-log';
import { ClickHouseLedgerStore, StoredEventLog } from '#ledger-store';
import type { MetricsReading } from '#observability';
import { clickhouseHeaders, controlDraft, openObjectStore, type Readiness, type ServiceContext, type ServiceDefinition } from '#service';
import { S3StampStore } from '#timestamp';
import { PostgresCheckpointStore, S3CosignedStore, S3TileStore } from '#tlog';
import { openAnchor, type AnchorLoop } from '../anchor/index.js';
import { KafkaSink, openSiemSinks, startFeed, type SinkHealth } from '../feed/index.js';
import { recordKeys } from '../keys/record-keys.js';
import { PostgresLeadership } from '../leadership/postgres-leadership.js';
import type { LedgerHealth } from '../ports.js';
import { newestToStamp, openStamps, type StampLoop } from '../stamp/index.js';
import { startLedger } from '../start-ledger.js';
import { StoredWords } from '../testify/own-words.js';
import { StoredTrail } from '../testify/stored-trail.js';
import { startServerErasures } from './server-erasures.js';
import { startServerRetention } from './server-retention.js';
import { Standstill } from './standstill.js';

/** Of the ingest's look-ups, retention and erasures. */
const CATALOGUE_POOL = 4;
/** Longer would be cheaper when idle; a member joins and leaves by that much more slowly. */
const INGEST_WAIT_MS = 250;
/** Each look asks the brokers for the ends of every partition. */
const HEALTH_MS = 2_000;
/** How long a stop lets the ledger take in and seal what is in the log. What is left is for the next start, or for another process. */
const DRAIN_MS = 5_000;

/** Ingest, sequencer and SIEM feed. Several may run: they share the partitions, and one of them seals. */
export const ledgerService: ServiceDefinition<'clickhouse' | 'postgres' | 'object_store'> = {
  name: 'ledger',
  needs: ['clickhouse', 'postgres', 'object_store'],
  async start(context) {
    const { state, config, clock, codec, logger, keys, source, kafka, openEventLog, progress, whenThere, fail } = context;
    const { ledger: settings, kafka: kafkaConfig, clickhouse, postgres, object_store, siem, retention, erasure, sealing } = config();
    const { origin } = settings;
    const { recorder } = source;
    const logKeys = await whenThere('the keeper of the log’s key', () => keys.logKeys(settings));
    const signer = logKeys.primary;
    if (source.isNew) await recorder.record([controlDraft('key.created', { vkey: signer.vkey }, signer.name)]);

    progress('opening the ledger store');
    const store = await whenThere('the ledger store', () => openStore(clickhouse));
    progress('opening the object store');
    const objects = await whenThere('the object store', () => openObjectStore(object_store, clock, logger));
    const url = await resolveSecret(postgres.url);
    const [{ openCatalogue, TypeormKeyBook }, wrapper] = await Promise.all([import('#catalogue'), keys.content(sealing)]);
    const catalogue = await whenThere('the catalogue', () => openCatalogue({ url, pool: CATALOGUE_POOL }));
    const keyBook = new TypeormKeyBook(catalogue);
    const checkpoints = new PostgresCheckpointStore({ url, log: origin });
    const leadership = new PostgresLeadership({ url, name: origin, logger });
    const ownLog = new EmbeddedEventLog({
      journalDirectory: state.path('journal'),
      groupsDirectory: state.path('groups'),
      key: keys.journal,
      watermarks: source.watermarks,
    });
    const eventLog = openEventLog(INGEST_WAIT_MS);

    progress('starting the ledger');
    const tiles = new S3TileStore(objects);
    const ledger = await startLedger({
      eventLog,
      sequencerLog: new StoredEventLog({ events: store, checkpoints, logger }),
      ownLog,
      leadership,
      store,
      contentKeys: new ContentOpener(keyBook, wrapper),
      tiles,
      checkpoints,
      signer,
      keys: logKeys,
      recorder,
      codec,
      clock,
      logger,
      words: new StoredWords(store),
      trail: new StoredTrail(store),
      options: { checkpointInterval: settings.checkpoint_interval, gapAfter: settings.gap_after, abortAfter: settings.abort_after },
    });
    await whenThere('the ledger store', () => recordKeys({ keys: logKeys, store, recorder }));
    const cosigned = new S3CosignedStore(objects);
    const anchorPorts = { sealed: () => ledger.sealed(), tiles, cosigned, store, recorder, clock, logger };
    const anchor = openAnchor(settings.witnesses, origin, anchorPorts);
    const stamps = await openStamps(settings.timestamps, {
      newest: newestToStamp({ cosigned: settings.witnesses.members.length > 0 ? cosigned : null, checkpoints, ledger }),
      stamps: new S3StampStore(objects),
      recorder,
      clock,
      logger,
    });
    const sender = new KafkaSender({ connection: kafka });
    const ocsf = new KafkaSink({ sender, partitionOf: (sourceId) => partitionOf(sourceId, kafkaConfig.topics.partitions) });
    const feed = await startFeed({ eventLog, codec, origin, sinks: [ocsf, ...openSiemSinks(siem)], recorder, logger });

    const stopRetention = await startServerRetention({ clickhouse, retention, url, origin, recorder, codec, clock, logger, whenThere });
    const stopErasures = await startServerErasures({ clickhouse, erasure, catalogue, url, origin, recorder, codec, clock, logger });
    const health = new HealthWatch(
      context,
      () => ledger.health(),
      () => feed.health(),
      anchor,
      stamps,
      () => store.ping(),
      fail,
    );
    return {
      addresses: {},
      readiness: () => health.readiness(),
      reading: () => health.reading(),
      stop: async () => {
        health.stop();
        await stamps.stop();
        await stopErasures();
        await stopRetention();
        await anchor.stop();
        await ledger.drain(DRAIN_MS);
        await feed.stop();
        await ledger.stop();
        await Promise.all([sender.close(), store.close(), ownLog.close(), checkpoints.close(), catalogue.destroy()]);
        objects.close();
      },
    };
  },
};

async function openStore(config: ClickHouseConfig): Promise<ClickHouseLedgerStore> {
  const { url, cluster, writer } = config;
  const store = new ClickHouseLedgerStore({
    url,
    headers: await clickhouseHeaders(config),
    user: writer.user,
    password: await resolveSecret(writer.password),
    flavour: cluster === undefined ? { kind: 'server' } : { kind: 'cluster', cluster },
  });
  try {
    await store.checkServer();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** What the ledger says of itself, asked regularly: a halt ends the process. */
class HealthWatch {
  #last: LedgerHealth | null = null;
  #sinks: readonly SinkHealth[] = [];
  readonly #timer: NodeJS.Timeout;
  readonly #standstill: Standstill;

  constructor(
    { clock, logger }: Pick<ServiceContext, 'clock' | 'logger'>,
    private readonly ledger: () => Promise<LedgerHealth>,
    private readonly feed: () => Promise<readonly SinkHealth[]>,
    private readonly anchor: Pick<AnchorLoop, 'health'>,
    private readonly stamps: Pick<StampLoop, 'health'>,
    private readonly storeAnswers: () => Promise<boolean>,
    private readonly fail: ServiceContext['fail'],
  ) {
    this.#standstill = new Standstill(clock);
    const look = (): void => {
      this.#look().catch((error: unknown) => logger.warn({ reason: (error as Error).message }, 'the ledger does not tell how it is'));
    };
    this.#timer = setInterval(look, HEALTH_MS);
    look();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  readiness(): Readiness {
    if (this.#last === null) return { ready: false, reason: 'waiting for the ledger to tell how it is' };
    return { ready: true, reason: this.#last.leader ? 'leader' : 'follower' };
  }

  reading(): MetricsReading {
    const last = this.#last;
    return {
      ledger: {
        up: last !== null,
        leader: last?.leader ?? false,
        halted: last?.halted != null,
        ingestLag: last?.ingestLag ?? null,
        unsealed: last?.unsealed ?? null,
        sealedSize: last?.sealedSize ?? null,
        sealedRound: last?.sealedRound ?? null,
        lastSealUs: last?.lastSealAt ?? null,
        gaps: last?.gaps ?? [],
      },
      // Only who leads anchors and has stamps made; what a follower has not done is no news.
      ...(last?.leader === true ? { anchor: this.anchor.health(), stamps: this.stamps.health() } : {}),
      sinks: this.#sinks.map(({ sink, lag }) => ({ sink, lag, lastErrorUs: null })),
    };
  }

  async #look(): Promise<void> {
    const [health, sinks] = await Promise.all([this.ledger(), this.feed()]);
    this.#last = health;
    this.#sinks = sinks;
    if (health.halted !== null) this.fail('the ledger halted', new AffiantError('ledger_conflict', health.halted));
    if (this.#standstill.since(health.ingestLag) && (await this.storeAnswers()))
      this.fail('the ingest stands still', new AffiantError('event_log_failed', `${health.ingestLag} events wait and none is taken in`));
  }
}
