import { Module, type INestApplication, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConsoleModule, createApprovalDesk, createConsoleAdapter, DEFAULT_SQL_LIMITS } from '#apps/console';
import { siemGroups } from '#apps/ledger';
import { builtInProtocols, credentialSource, Gateway, ProxyModule, recoverOpenExchanges } from '#apps/proxy';
import { EvidenceModule } from '#apps/evidence';
import {
  openCatalogue,
  TypeormApprovalBook,
  TypeormErasureBook,
  TypeormHoldBook,
  TypeormKeyBook,
  TypeormPacketCatalogue,
  TypeormUnsealBook,
} from '#catalogue';
import { environment, packageVersion, type AffiantConfig } from '#config';
import { BothBooks, ContentOpener } from '#content-keys';
import { createPlaceholder } from '#detect';
import { EmbeddedEventLog, LogTail } from '#event-log';
import { startErasures } from '#erasure';
import { toAffiantError, type AffiantError } from '#errors';
import { EventCodec, SystemClock, SystemIds } from '#events';
import { TableJobQueue } from '#job-queue';
import { createWatermarks, JournalRecorder, recoverSource } from '#journal';
import { createLogger, createMetrics } from '#observability';
import { createPacketDesk } from '#packet-desk';
import { planNow, startRetention, type PlanPorts } from '#retention';
import { LocalPacketStore } from '#packet-store';
import {
  composeIdentity,
  controlDraft,
  createRedactor,
  loadKeys,
  openOriginals,
  originalsWrapper,
  ReloadingPolicies,
  type State,
} from '#service';
import type { RunFile } from '../run-file.js';
import { EmbeddedErasureStore } from './embedded-erasure-store.js';
import { EmbeddedOriginalsStore } from './embedded-originals-store.js';
import { EmbeddedRetentionStore } from './embedded-retention-store.js';
import { LedgerSupervisor } from './ledger-supervisor.js';
import { SOURCES } from './ledger-task.js';
import { ProcessStatus } from './status.js';
import { trimBehindCheckpoints } from './trim.js';

/** How soon an erasure that was agreed on is begun, and how often content of destroyed keys is looked for. */
const ERASURES_MS = 3_000;
const SWEEP_MS = 60_000;

export interface StandaloneOptions {
  readonly state: State;
  readonly config: AffiantConfig;
  readonly progress: (step: string) => void;
}

/** A running instance in one process. */
export interface Standalone {
  readonly stateDirectory: string;
  readonly gatewayUrl: string;
  readonly consoleUrl: string;
  readonly issuerUrl: string | null;
  /** Writes run.json; what is not given stays as it was. */
  announce(change: Partial<Pick<RunFile, 'demo' | 'packets'>>): Promise<void>;
  developmentToken(subject: string, groups: readonly string[]): Promise<string>;
  /** Takes connections, policies, patterns and identity of a changed configuration; a bad one is recorded and changes nothing. */
  reload(config: AffiantConfig): Promise<void>;
  rejected(error: AffiantError): Promise<void>;
  stop(): Promise<void>;
}

@Module({})
class StandaloneModule {
  static register(...imports: DynamicModule[]): DynamicModule {
    return { module: StandaloneModule, imports };
  }
}

/** Builds every part on the embedded engines, in the order in which they need each other, and starts serving. */
export async function composeStandalone({ state, config: initial, progress }: StandaloneOptions): Promise<Standalone> {
  const startedAt = Date.now();
  let config = initial;
  const logger = createLogger('affiant', { level: environment().logLevel, file: state.path('log', 'affiant.log') });
  const clock = new SystemClock();
  const ids = new SystemIds();
  const codec = new EventCodec();
  const keys = await loadKeys(state, config.ledger, config.sealing);

  progress('opening the journal');
  const watermarks = createWatermarks(Object.values(SOURCES));
  const { segment_bytes: segmentBytes, high_water_bytes: highWaterBytes } = config.journal;
  const { journal, openExchanges, tornBytes } = await recoverSource({
    directory: state.path('journal', SOURCES.gateway),
    sourceId: SOURCES.gateway,
    key: keys.journal,
    segmentBytes,
    highWaterBytes,
    watermarks,
    codec,
  });
  const recorder = new JournalRecorder({ journal, codec, clock, ids, openExchanges });
  const aborted = await recoverOpenExchanges(
    recorder,
    openExchanges.map(({ context }) => context),
  );
  if (aborted > 0 || tornBytes > 0)
    await recorder.record([controlDraft('journal.recovered', { aborted: String(aborted), torn_bytes: String(tornBytes) })]);
  if (keys.ledger.created) {
    const { vkey, name } = keys.ledger.primary;
    await recorder.record([controlDraft('key.created', { vkey }, name)]);
  }

  progress('starting the ledger engine');
  const opening = openCatalogue({ directory: state.path('catalogue') });
  const contentKeys = opening.then((source) => new ContentOpener(new TypeormKeyBook(source), keys.content));
  // Whoever waits for it hears of a failure.
  contentKeys.catch(() => undefined);
  const supervisor = new LedgerSupervisor({
    stateDirectory: state.directory,
    logger,
    progress,
    contentKeys,
    limits: {
      querySeconds: Math.ceil(config.ledger.query_max_execution_time / 1000),
      resultRows: config.ledger.query_max_result_rows,
      resultBytes: config.ledger.query_max_result_bytes,
    },
    task: {
      stateDirectory: state.directory,
      journalKey: keys.journal,
      watermarks,
      keys: { origin: config.ledger.origin, signer: config.ledger.signer, previous_signer: config.ledger.previous_signer },
      checkpointInterval: config.ledger.checkpoint_interval,
      abortAfter: config.ledger.abort_after,
      siem: config.siem,
      timestamps: config.ledger.timestamps,
      witnesses: config.ledger.witnesses,
      segmentBytes,
      highWaterBytes,
      logLevel: environment().logLevel,
    },
  });
  const [catalogue] = await Promise.all([opening, supervisor.start()]);

  progress('opening the doors');
  const policies = await ReloadingPolicies.open(state.path('policy.json'), config);
  const { identity, issuer, reload: reloadIdentity } = await composeIdentity(state, config, clock, logger);
  const placeholder = createPlaceholder(keys.placeholder);
  const redact = createRedactor(placeholder);
  const eventLog = new EmbeddedEventLog({
    journalDirectory: state.path('journal'),
    groupsDirectory: state.path('groups'),
    key: keys.journal,
    watermarks,
  });
  const stopTrim = await trimBehindCheckpoints(eventLog, recorder, 'gateway.trim', siemGroups(config.siem));
  const approvals = new TypeormApprovalBook(catalogue, () => clock.nowMs());
  const jobs = new TableJobQueue(catalogue, { nowMs: () => clock.nowMs(), logger });
  const evidence = {
    engine: () => supervisor.access(),
    jobs,
    packets: new TypeormPacketCatalogue(catalogue),
    store: new LocalPacketStore(state.path('packets')),
    signer: keys.ledger.primary,
    recorder,
    clock,
    ids,
    logger,
    institution: () => config.institution,
  };
  const desk = createPacketDesk(evidence);
  let gateway: Gateway | null = null;
  const holds = new TypeormHoldBook(catalogue);
  const retention = new EmbeddedRetentionStore(() => supervisor.retention());
  const plan: PlanPorts = { book: holds, store: retention, codec, policy: () => config.retention, nowMs: () => clock.nowMs() };
  const stopRetention = startRetention({ ...plan, book: holds, store: retention, recorder, everyMs: config.retention.check_every, logger });
  const keyBook = new TypeormKeyBook(catalogue);
  const originalBook = new TypeormKeyBook(catalogue, 'originals');
  const erasures = new TypeormErasureBook(catalogue);
  const erasureStore = new EmbeddedErasureStore(() => supervisor.erasure());
  const stopErasures = startErasures({
    book: erasures,
    holds,
    keys: new BothBooks(keyBook, originalBook),
    store: erasureStore,
    recorder,
    codec,
    nowMs: () => clock.nowMs(),
    everyMs: ERASURES_MS,
    sweepMs: SWEEP_MS,
    logger,
  });
  const status = new ProcessStatus({ startedAt, gateway: () => gateway, clock, journal, highWaterBytes, supervisor, policies, approvals });
  const metrics = createMetrics({ service: 'standalone', version: packageVersion, read: () => status.reading() });

  const root = StandaloneModule.register(
    ProxyModule.register({
      config,
      connections: () => config.connections,
      policySource: policies,
      identity,
      recorder,
      approvals,
      credentials: credentialSource(() => clock.nowMs()),
      digestKey: keys.digest,
      contentKeys: { book: keyBook, wrapper: keys.content },
      originalKeys: { book: originalBook, wrapper: originalsWrapper(state.path('keys'), true, logger) },
      placeholder,
      protocols: builtInProtocols(),
      clock,
      ids,
      logger,
      hooks: { exchangeEnded: ({ outcome }) => metrics.exchangeEnded(outcome), refused: (code) => metrics.refused(code) },
    }),
    EvidenceModule.register(evidence),
    ConsoleModule.register({
      identity,
      recorder,
      clock,
      ids,
      logger,
      roles: { auditors: config.ledger.auditors, examiners: config.ledger.examiners },
      engine: () => supervisor.access(),
      limits: { ...DEFAULT_SQL_LIMITS, executionTime: config.ledger.query_max_execution_time + 30_000 },
      redact,
      status,
      metrics,
      approvals,
      desk: createApprovalDesk({ book: approvals, recorder, clock, policy: () => policies.current(), redact }),
      packets: desk,
      tail: new LogTail(eventLog),
      holds: { book: holds, roles: () => config.holds },
      erasures: { book: erasures, roles: () => config.erasure, contentOf: (session) => erasureStore.contentOf(session) },
      unsealings: {
        book: new TypeormUnsealBook(catalogue),
        rules: () => config.unseal,
        originals: {
          store: new EmbeddedOriginalsStore(() => supervisor.erasure()),
          keys: originalBook,
          codec,
          opener: () => openOriginals(state.path('keys'), config.unseal.passphrase),
        },
      },
      retention: () => planNow(plan),
      origin: config.ledger.origin,
      policy: () => policies.current(),
    }),
  );
  const app: INestApplication = await NestFactory.create(root, createConsoleAdapter(), { logger: false, abortOnError: false });
  await app.listen(config.server.console_port, config.server.host);
  const served = app.get(Gateway);
  gateway = served;
  status.watchEventLoop();

  let run: RunFile = {
    pid: process.pid,
    gateway: served.address,
    console: (await app.getUrl()).replace('[::1]', '127.0.0.1'),
    issuer: issuer?.issuer ?? null,
    demo: 'off',
    packets: [],
  };
  return {
    stateDirectory: state.directory,
    gatewayUrl: run.gateway,
    consoleUrl: run.console,
    issuerUrl: run.issuer,
    announce: (change) => {
      run = { ...run, ...change };
      return state.writeRun(run);
    },
    developmentToken: (subject, groups) => {
      if (issuer === null) throw toAffiantError(null, 'usage_invalid', 'the development issuer is off');
      return issuer.issue({ subject, groups });
    },
    reload: async (next) => {
      try {
        await reloadIdentity(next);
        await policies.reload(next);
        config = { ...config, connections: next.connections, policies: next.policies, patterns: next.patterns, identity: next.identity };
        logger.info('the changed configuration is in force');
      } catch (error) {
        await reject(toAffiantError(error, 'config_invalid', 'the changed configuration cannot be used'));
      }
    },
    rejected: (error) => reject(error),
    stop: async () => {
      await app.close();
      await jobs.close();
      status.stop();
      await stopErasures();
      await stopRetention();
      await retention.close();
      await stopTrim();
      await supervisor.stop();
      await eventLog.close();
      await journal.close();
      await issuer?.close();
      await catalogue.destroy();
    },
  };

  async function reject(error: AffiantError): Promise<void> {
    logger.error({ where: error.where, reason: error.message }, 'the changed configuration was refused; the one in force stays');
    process.stderr.write(`affiant: the changed configuration was refused: ${error.message}\n`);
    await recorder.record([controlDraft('config.rejected', { where: error.where ?? '', reason: redact(error.message) }, null, 'failure')]);
  }
}
