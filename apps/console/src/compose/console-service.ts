import { NestFactory } from '@nestjs/core';
import {
  openCatalogue,
  TypeormApprovalBook,
  TypeormErasureBook,
  TypeormHoldBook,
  TypeormKeyBook,
  TypeormPacketCatalogue,
  TypeormUnsealBook,
} from '#catalogue';
import { resolveSecret } from '#config';
import { createPlaceholder } from '#detect';
import { LogTail } from '#event-log';
import { BullJobQueue } from '#job-queue';
import { createPacketDesk } from '#packet-desk';
import { ClickHouseErasureStore, ClickHouseOriginalsStore, ClickHouseRetentionStore } from '#ledger-store';
import { planNow, type PlanPorts } from '#retention';
import { S3PacketStore } from '#packet-store';
import { composeIdentity, createRedactor, openObjectStore, resolveEngineAccess, ReloadingPolicies, type ServiceDefinition } from '#service';
import { createApprovalDesk } from '../approvals/approval-desk.js';
import { ConsoleModule } from '../console.module.js';
import { createConsoleAdapter } from '../create-adapter.js';
import { EngineClient } from '../ledger/engine-client.js';
import { DEFAULT_SQL_LIMITS } from '../ports.js';
import { ConsoleStatus } from './console-status.js';
import { LedgerStateReader } from './ledger-state.js';

/** A look at every partition costs the brokers an answer each. */
const TAIL_POLL_MS = 500;
const OVER_ENGINE_LIMIT_MS = 30_000;

/** API, SQL endpoint and page, with the development issuer when the configuration asks for it. */
export const consoleService: ServiceDefinition<'clickhouse' | 'postgres' | 'redis' | 'object_store'> = {
  name: 'console',
  needs: ['clickhouse', 'postgres', 'redis', 'object_store'],
  async start({ state, config, clock, ids, codec, logger, keys, source, openEventLog, progress, whenThere }) {
    const startedAt = clock.nowMs();
    const { postgres, redis, clickhouse, object_store, ledger, server, journal, retention } = config();
    const { recorder } = source;
    const redact = createRedactor(createPlaceholder(await keys.placeholder()));
    const access = await resolveEngineAccess(clickhouse);

    progress('opening the catalogue');
    const url = await resolveSecret(postgres.url);
    const catalogue = await whenThere('the catalogue', () => openCatalogue({ url, pool: postgres.pool }));
    progress('opening the object store');
    const objects = await whenThere('the object store', () => openObjectStore(object_store, clock, logger));

    progress('opening the doors');
    const jobs = await BullJobQueue.connect({ url: await resolveSecret(redis.url), logger });
    const policies = await ReloadingPolicies.open(state.path('policy.json'), config());
    const { identity, issuer, reload } = await composeIdentity(state, config(), clock, logger);
    const approvals = new TypeormApprovalBook(catalogue, () => clock.nowMs());
    const packets = new TypeormPacketCatalogue(catalogue);
    const eventLog = openEventLog(TAIL_POLL_MS);
    const limits = { ...DEFAULT_SQL_LIMITS, executionTime: ledger.query_max_execution_time + OVER_ENGINE_LIMIT_MS };
    const engine = new EngineClient(() => access, limits.executionTime);
    const holds = new TypeormHoldBook(catalogue);
    // A reader's login: the plan changes nothing.
    const looking = new ClickHouseRetentionStore({ url: access.url, headers: access.headers, ...access.readers.evidence });
    const content = new ClickHouseErasureStore({ url: access.url, headers: access.headers, ...access.readers.evidence });
    const originals = new ClickHouseOriginalsStore({ url: access.url, headers: access.headers, ...access.readers.evidence });
    const plan: PlanPorts = { book: holds, store: looking, codec, policy: () => retention, nowMs: () => clock.nowMs() };
    const status = new ConsoleStatus({
      startedAt,
      source,
      highWaterBytes: journal.high_water_bytes,
      ledger: new LedgerStateReader(engine, eventLog, clock),
      policies,
      approvals,
      nowUs: () => clock.nowUs(),
      witnesses: ledger.witnesses,
      timestamps: ledger.timestamps,
    });
    const module = ConsoleModule.register({
      identity,
      recorder,
      clock,
      ids,
      logger,
      roles: { auditors: ledger.auditors, examiners: ledger.examiners },
      engine: () => access,
      limits,
      redact,
      status,
      approvals,
      desk: createApprovalDesk({ book: approvals, recorder, clock, policy: () => policies.current(), redact }),
      packets: createPacketDesk({ jobs, packets, store: new S3PacketStore(objects), recorder, clock, ids }),
      tail: new LogTail(eventLog, TAIL_POLL_MS),
      holds: { book: holds, roles: () => config().holds },
      erasures: {
        book: new TypeormErasureBook(catalogue),
        roles: () => config().erasure,
        contentOf: (session) => content.contentOf(session),
      },
      unsealings: {
        book: new TypeormUnsealBook(catalogue),
        rules: () => config().unseal,
        originals: {
          store: originals,
          keys: new TypeormKeyBook(catalogue, 'originals'),
          codec,
          opener: () => keys.openOriginals(config().unseal.passphrase),
        },
      },
      retention: () => planNow(plan),
      origin: ledger.origin,
      policy: () => policies.current(),
    });
    const app = await NestFactory.create(module, createConsoleAdapter(), { logger: false, abortOnError: false });
    await app.listen(server.console_port, server.host);

    return {
      addresses: { console: (await app.getUrl()).replace('[::1]', '127.0.0.1'), issuer: issuer?.issuer ?? null },
      readiness: () => ({ ready: true }),
      reading: () => status.reading(),
      reload: async (next) => {
        await reload(next);
        await policies.reload(next);
      },
      stop: async () => {
        await app.close();
        status.stop();
        await jobs.close();
        await engine.close();
        await looking.close();
        await content.close();
        await originals.close();
        await issuer?.close();
        objects.close();
        await catalogue.destroy();
      },
    };
  },
};
