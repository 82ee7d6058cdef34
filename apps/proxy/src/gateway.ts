import type { IncomingMessage, ServerResponse } from 'node:http';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { AffiantError } from '#errors';
import { SYSTEM_CONTEXT, type EventDraft, type NameValue } from '#events';
import { packageVersion, type ConnectionConfig } from '#config';
import type { Arrival } from './call.js';
import { ClientLink } from './intake/client-link.js';
import { Drain } from './intake/drain.js';
import { Listener } from './intake/listener.js';
import { answerProbe } from './intake/probes.js';
import { refusalOf } from './intake/refuse.js';
import { parseTarget, type Target } from './intake/target.js';
import type { ProxyOptions } from './ports.js';
import { refuse, serve } from './serve.js';
import { createServices, type Services } from './services.js';

export const PROXY_OPTIONS = Symbol('PROXY_OPTIONS');

const HOUSEKEEPING_MS = 10_000;
const NOWHERE: Target = { connection: null, path: '/', query: '' };

/** The gateway: listens at bootstrap, drains at shutdown. The data path is plain code behind a plain `node:http` handler. */
@Injectable()
export class Gateway implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #options: ProxyOptions;
  readonly #services: Services;
  readonly #drain = new Drain();
  readonly #listener: Listener;
  readonly #running = new Map<Promise<void>, ServerResponse>();
  readonly #timers: NodeJS.Timeout[] = [];
  #address: { host: string; port: number } | null = null;
  /** Connection -> what was recorded of it. */
  readonly #registered = new Map<string, string>();
  #served = 0;
  #serving = 0;
  #drained: Promise<void> | null = null;

  constructor(@Inject(PROXY_OPTIONS) options: ProxyOptions) {
    this.#options = options;
    this.#services = createServices(options, this.#drain);
    this.#listener = new Listener(
      (request, response) => this.#handle(request, response),
      (request) => this.#refuseUpgrade(request),
    );
  }

  /** Port in use; 0 before it listens. */
  get port(): number {
    return this.#address?.port ?? 0;
  }

  /** Base URL, e.g. `http://127.0.0.1:8080`. */
  get address(): string {
    const host = this.#address?.host ?? this.#options.config.server.host;
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.port}`;
  }

  /** Calls being served. */
  get inFlight(): number {
    return this.#serving;
  }

  /** True from the first sign of a shutdown. */
  get draining(): boolean {
    return this.#drain.begun;
  }

  /**
   * Listens once the start and the policies in force are recorded, and keys to seal with are there.
   * @throws AffiantError journal_full | journal_failed | catalogue_failed | content_key_failed
   */
  async onApplicationBootstrap(): Promise<void> {
    const { host, gateway_port } = this.#options.config.server;
    await this.#services.policies.start();
    await this.#services.pool.open();
    if (this.#services.policies.set.keepsOriginals) await this.#services.originalsPool.open();
    await this.#registerConnections();
    const { port } = await this.#listener.listen(host, gateway_port);
    this.#address = { host, port };
    await this.#services.evidence.commit([
      control('gateway.started', [
        { name: 'address', value: this.address },
        { name: 'version', value: packageVersion },
      ]),
    ]);
    this.#every(this.#services.limits.heartbeat, () => this.#heartbeat());
    this.#every(HOUSEKEEPING_MS, () => this.#housekeeping());
    this.#options.logger.info({ address: this.address }, 'gateway listens');
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.drain();
  }

  /**
   * Takes no new calls, lets those under way finish within the drain timeout, then closes what is left (recorded as far as it can
   * be) and records gateway.stopped. The recorder must outlive it. Calling it again returns the same promise.
   */
  drain(): Promise<void> {
    this.#drained ??= this.#shutDown();
    return this.#drained;
  }

  async #shutDown(): Promise<void> {
    this.#drain.begin();
    // A client that keeps its connection must not send its next call into a closing gateway.
    for (const response of this.#running.values()) response.shouldKeepAlive = false;
    for (const timer of this.#timers) clearInterval(timer);
    const closed = this.#address === null ? Promise.resolve() : this.#listener.close();
    await withTimeout(this.#idle(), this.#options.config.server.drain_timeout);
    const abandoned = this.#running.size;
    this.#drain.cutting = true;
    this.#listener.closeAll();
    await this.#services.upstreams.destroy();
    // What was cut still records how it ended: the journal is open until this resolves.
    await withTimeout(this.#idle(), this.#services.limits.record_timeout);
    await closed;
    await this.#services.pool.close();
    await this.#services.originalsPool.close();
    this.#services.policies.stop();
    if (this.#address === null) return;
    const last = (async (): Promise<void> => {
      await this.#services.tally.flush();
      await this.#services.evidence.commit([
        control('gateway.stopped', [
          { name: 'served', value: String(this.#served) },
          { name: 'abandoned', value: String(abandoned) },
        ]),
      ]);
    })();
    await withTimeout(
      last.catch((error: unknown) => this.#options.logger.error({ err: (error as Error).message }, 'the stop could not be recorded')),
      this.#services.limits.record_timeout,
    );
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { clock, ids } = this.#services;
    const arrivedUs = clock.monotonicUs();
    const url = request.url ?? '';
    if (answerProbe(request, response, () => this.#readiness())) return;
    const link = new ClientLink(response, () => clock.monotonicUs() - arrivedUs);
    const target = parseTarget(url);
    const arrival: Arrival = { id: ids.uuid(), arrivedUs, request, link, target: target ?? NOWHERE, progress: { owesResponse: false } };
    const running = this.#admit(arrival, target !== null).catch((error: unknown) => {
      this.#options.logger.error({ exchange: arrival.id, err: (error as Error).message }, 'call failed');
      link.cut();
    });
    this.#running.set(running, response);
    void running.finally(() => this.#running.delete(running));
  }

  #admit(arrival: Arrival, plainPath: boolean): Promise<void> {
    const { limits } = this.#services;
    const refused = (error: AffiantError): Promise<void> => refuse(arrival, error, this.#services);
    if (this.#drain.begun) return refused(new AffiantError('draining', 'the gateway is shutting down'));
    if (this.#serving >= limits.exchanges) return refused(new AffiantError('overloaded', 'too many calls are being served'));
    if (!plainPath) {
      this.#notePath(arrival.request, 'path_denied', 'the request target is not a plain path');
      return refused(new AffiantError('path_denied', 'the path is not served'));
    }
    this.#served += 1;
    this.#serving += 1;
    return serve(arrival, this.#options.identity, this.#services).finally(() => {
      this.#serving -= 1;
    });
  }

  /** Every connection is in the ledger before it serves; after a reload, what is new or changed follows with the next housekeeping. */
  async #registerConnections(): Promise<void> {
    const fresh = this.#options.connections().filter((connection) => this.#registered.get(connection.name) !== describe(connection));
    if (fresh.length === 0) return;
    await this.#services.evidence.commit(
      fresh.map((connection) => control('connection.registered', describeAttributes(connection), connection.name)),
    );
    for (const connection of fresh) this.#registered.set(connection.name, describe(connection));
  }

  #readiness(): { ready: boolean; reason?: string } {
    if (this.#drain.begun) return { ready: false, reason: 'draining' };
    return this.#services.hooks.readiness?.() ?? { ready: true };
  }

  #refuseUpgrade(request: IncomingMessage): Buffer {
    this.#notePath(request, 'upgrade_denied', `${request.method} with ${request.headers.upgrade ?? 'no'} upgrade`);
    const error = new AffiantError('upgrade_denied', 'protocol upgrades are not served');
    this.#services.hooks.refused?.(error.code);
    const { status, body } = refusalOf(this.#services.connections.protocolFor(null), error, this.#services.ids.uuid());
    const head = `HTTP/1.1 ${status} Forbidden\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
    return Buffer.concat([Buffer.from(head, 'latin1'), body]);
  }

  #notePath(request: IncomingMessage, code: string, reason: string): void {
    const remote = request.socket.remoteAddress ?? '';
    this.#services.tally.note({ kind: 'path.refused', code, reason: reason.slice(0, 200), remote, principal: null });
  }

  async #heartbeat(): Promise<void> {
    const attributes = [
      { name: 'in_flight', value: String(this.inFlight) },
      { name: 'served', value: String(this.#served) },
      { name: 'held', value: String(this.#services.flights.size) },
    ];
    await this.#services.policies.announce();
    await this.#services.evidence.commit([control('gateway.heartbeat', attributes)]);
  }

  async #housekeeping(): Promise<void> {
    await this.#registerConnections();
    this.#services.flights.sweep();
    this.#services.conversations.sweep(this.#services.clock.nowMs());
    await this.#services.tickets.sweep();
    await this.#services.keys.followErasures(this.#services.logger);
  }

  #every(ms: number, work: () => Promise<void>): void {
    let busy = false;
    const timer = setInterval(() => {
      if (busy) return;
      busy = true;
      work()
        .catch((error: unknown) => this.#options.logger.error({ err: (error as Error).message }, 'gateway housekeeping failed'))
        .finally(() => {
          busy = false;
        });
    }, ms).unref();
    this.#timers.push(timer);
  }

  async #idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.keys());
    this.#listener.closeIdle();
  }
}

function control(kind: string, attributes: readonly NameValue[], subject: string | null = null): EventDraft {
  return { type: 'control', context: SYSTEM_CONTEXT, event: { kind, outcome: 'success', subject, attributes, detail: null } };
}

/** What an inventory needs of a connection; never its credential. */
function describeAttributes({ protocol, upstream, allow }: ConnectionConfig): NameValue[] {
  return [
    { name: 'protocol', value: protocol },
    { name: 'upstream', value: upstream },
    { name: 'allow', value: allow.join(', ') },
  ];
}

const describe = (connection: ConnectionConfig): string => JSON.stringify(describeAttributes(connection));

async function withTimeout(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([
    work,
    new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    }),
  ]);
  clearTimeout(timer);
}
