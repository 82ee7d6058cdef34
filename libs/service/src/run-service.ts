import { loadConfig, packageVersion } from '#config';
import { EXIT, errorText, toAffiantError } from '#errors';
import { engineFlagsForServing, type Metrics } from '#observability';
import { controlDraft } from './control-draft.js';
import { followConfig } from './follow-config.js';
import { readServiceOptions, usageOf } from './options.js';
import { ServiceParts } from './parts.js';
import { ProbeServer, type Readiness } from './probe-server.js';
import { requireSections, type Section } from './sections.js';
import type { RunningService, ServiceConfig, ServiceDefinition } from './service.js';
import { State } from './state.js';
import { whenThere } from './when-there.js';

/** How long a stop lets the shipper take the rest of the journal to Kafka, unless `server.drain_timeout` is less. What is left goes at the next start. */
const SHIP_AT_STOP_MS = 10_000;

/** Runs a service until SIGTERM, SIGINT or a failure; resolves to the exit code. @throws AffiantError when it cannot start */
export async function runService<S extends Section>(definition: ServiceDefinition<S>, args: readonly string[]): Promise<number> {
  const { name, needs } = definition;
  const options = readServiceOptions(name, args);
  if (options === 'help') {
    process.stdout.write(`${usageOf(name)}\n`);
    return EXIT.done;
  }
  const loaded = await loadConfig(options.config);
  const needed: readonly (S | 'kafka')[] = ['kafka', ...needs];
  const config = requireSections(name, loaded, needed, options.config) as unknown as ServiceConfig<S>;
  const state = await State.open(options.state);
  try {
    const parts = await ServiceParts.open(name, state, options.keys, config);
    return await new ServiceRun(definition, options.config, state, config, parts).run();
  } finally {
    await state.close();
  }
}

class ServiceRun<S extends Section> {
  readonly #stopping = new AbortController();
  readonly #startedAt = performance.now();
  #running: RunningService | null = null;
  /** What the start waits for; null when it serves. */
  #waitingFor: string | null = 'its start';
  /** Why it ended unasked. */
  #failure: string | null = null;

  constructor(
    private readonly definition: ServiceDefinition<S>,
    private readonly file: string,
    private readonly state: State,
    private config: ServiceConfig<S>,
    private readonly parts: ServiceParts,
  ) {}

  async run(): Promise<number> {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => this.#stopping.abort());
    const { definition, parts } = this;
    const metrics = parts.createMetrics(definition.name, async () => (await this.#running?.reading()) ?? {});
    const probes = new ProbeServer(metrics, () => this.#readiness());
    try {
      const { host, metrics_port } = this.config.server;
      const metricsUrl = await probes.listen(host, metrics_port);
      await parts.shipping.start();
      await parts.source.recorder.record([controlDraft('service.started', { version: packageVersion }, definition.name)]);
      this.#running = await this.#start(metrics);
      engineFlagsForServing();
      this.#waitingFor = null;
      await this.#announce({ ...this.#running.addresses, metrics: metricsUrl });
      await this.#serve(this.#running);
    } catch (error) {
      // A stop while it was still waiting for an engine is no failure.
      if (!this.#stopping.signal.aborted) throw error;
    } finally {
      await this.#stop();
      await probes.close();
    }
    return this.#failure === null ? EXIT.done : EXIT.finding;
  }

  #start(metrics: Metrics): Promise<RunningService> {
    const { parts, state } = this;
    const { clock, ids, codec, logger, keys, source, shipping, kafka } = parts;
    return this.definition.start({
      state,
      config: () => this.config,
      clock,
      ids,
      codec,
      logger,
      keys,
      source,
      shipping,
      metrics,
      kafka: kafka.connection,
      openEventLog: (maxWaitMs) => kafka.eventLog(maxWaitMs),
      progress: (step) => this.#progress(step),
      whenThere: async (what, work) => {
        this.#waitingFor = what;
        const result = await whenThere(what, work, this.#stopping.signal, logger);
        this.#waitingFor = 'its start';
        return result;
      },
      fail: (what, error) => this.#fail(what, error),
    });
  }

  async #announce(addresses: Readonly<Record<string, string | null | undefined>>): Promise<void> {
    const { name } = this.definition;
    const run = { pid: process.pid, service: name, source: this.parts.sourceId, ...addresses };
    await this.state.writeRun(run);
    const known = Object.entries(addresses).filter(([, url]) => url != null);
    process.stdout.write(`affiant ${name} ready: ${known.map(([what, url]) => `${what} ${url}`).join(', ')}\n`);
  }

  /** Until it is to stop. */
  async #serve(running: RunningService): Promise<void> {
    const { signal } = this.#stopping;
    const { logger, source } = this.parts;
    const stopFollowing = followConfig({
      file: this.file,
      logger,
      recorder: source.recorder,
      take: async (next) => {
        await running.reload?.(next);
        const { connections, policies, patterns, identity, institution } = next;
        this.config = { ...this.config, connections, policies, patterns, identity, institution };
      },
    });
    if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    stopFollowing();
  }

  async #stop(): Promise<void> {
    const { definition, parts, state } = this;
    const { logger, source } = parts;
    this.#stopping.abort();
    process.stderr.write(`affiant ${definition.name}: stopping\n`);
    await state.forgetRun();
    const stumbled = (error: unknown): void => logger.error({ reason: (error as Error).message }, 'the stop stumbled');
    await this.#running?.stop().catch(stumbled);
    const attributes = { version: packageVersion, why: this.#failure ?? 'asked' };
    await source.recorder.record([controlDraft('service.stopped', attributes, definition.name)]).catch(stumbled);
    await parts.close(Math.min(SHIP_AT_STOP_MS, this.config.server.drain_timeout));
  }

  #readiness(): Readiness {
    if (this.#stopping.signal.aborted) return { ready: false, reason: 'stopping' };
    if (this.#running === null || this.#waitingFor !== null) return { ready: false, reason: `waiting for ${this.#waitingFor}` };
    return this.#running.readiness();
  }

  #fail(what: string, cause: unknown): void {
    if (this.#stopping.signal.aborted) return;
    this.#failure = what;
    const error = toAffiantError(cause, 'internal', what);
    this.parts.logger.fatal({ what, code: error.code, reason: error.message }, 'it cannot go on; the process ends');
    process.stderr.write(`affiant ${this.definition.name}: ${what}: ${errorText(error)}`);
    this.#stopping.abort();
  }

  #progress(step: string): void {
    const seconds = ((performance.now() - this.#startedAt) / 1000).toFixed(1);
    process.stderr.write(`affiant ${this.definition.name}: ${step} (${seconds} s)\n`);
  }
}
