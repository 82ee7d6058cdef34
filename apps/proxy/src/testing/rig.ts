import { request as httpRequest, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { bootModule } from './nest.js';
import type { ApprovalsConfig, ConnectionConfig } from '#config';
import { MemoryKeyBook, openSealed, type KeyWrapper } from '#content-keys';
import { SystemClock, SystemIds, type BodySegment } from '#events';
import { createLogger } from '#observability';
import { Gateway } from '../gateway.js';
import type { GatewayLimits, ProxyOptions } from '../ports.js';
import { ProxyModule } from '../proxy.module.js';
import { fakeProtocol } from './fake-protocol.js';
import { FakeUpstream } from './fake-upstream.js';
import { FakeBook, FakeIdentity, FakePolicies, FakeRecorder } from './fakes.js';

/** Wraps nothing, so that a test can open what was sealed. */
const plainly: KeyWrapper = {
  wrap: async (_id, key) => key.toString('base64'),
  unwrap: async (_id, wrapped) => Buffer.from(wrapped, 'base64'),
};

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The connection broke before the end. */
  readonly broken: boolean;
}

export interface RigSettings {
  readonly approvals?: Partial<ApprovalsConfig>;
  readonly limits?: Partial<GatewayLimits>;
  readonly drainTimeout?: number;
  readonly bodyLimit?: number;
  readonly options?: Partial<ProxyOptions>;
}

/** A gateway between a test client and a fake upstream, everything else faked. */
export class Rig {
  readonly upstream = new FakeUpstream();
  readonly recorder = new FakeRecorder();
  readonly book = new FakeBook();
  readonly identity = new FakeIdentity();
  readonly keyBook = new MemoryKeyBook();
  readonly originalBook = new MemoryKeyBook();
  readonly policies = new FakePolicies();
  connections: readonly ConnectionConfig[] = [];
  gateway!: Gateway;
  #close: () => Promise<void> = async () => undefined;

  static async start(settings: RigSettings = {}): Promise<Rig> {
    const rig = new Rig();
    const base = await rig.upstream.start();
    rig.connections = [connection('claude', base), connection('closed', base, ['group:nobody'])];
    const app = await bootModule(ProxyModule.register(rig.#options(settings)));
    rig.gateway = app.get(Gateway);
    rig.#close = () => app.close();
    return rig;
  }

  async stop(): Promise<void> {
    this.recorder.gate = null;
    await this.#close();
    await this.upstream.stop();
  }

  /** Streams `first`; the rest only when the client has seen it. */
  async streamInTwo(body: unknown, first: string, rest: string, path?: string): Promise<Answer> {
    let go: () => void = () => undefined;
    this.upstream.answer = ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(first);
      go = () => response.end(rest);
    };
    return this.post(body, {
      ...(path === undefined ? {} : { path }),
      onRequest: (request) => request.on('response', (response) => response.once('data', () => go())),
    });
  }

  /** Posts a Messages call; `onRequest` gets the client request, to abort it. */
  post(
    body: unknown,
    options: { headers?: Record<string, string>; path?: string; method?: string; onRequest?: (request: ClientRequest) => void } = {},
  ): Promise<Answer> {
    const bytes =
      body === undefined
        ? Buffer.alloc(0)
        : Buffer.isBuffer(body)
          ? body
          : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    return new Promise((resolve) => {
      const request = httpRequest(
        {
          host: '127.0.0.1',
          port: this.gateway.port,
          path: options.path ?? '/c/claude/v1/messages',
          method: options.method ?? 'POST',
          agent: false,
          headers: {
            authorization: 'Bearer alice',
            'content-type': 'application/json',
            'x-session-id': 's1',
            ...(bytes.length > 0 ? { 'content-length': bytes.length } : {}),
            ...options.headers,
          },
        },
        (response) => void collect(response).then(resolve),
      );
      request.on('error', () => resolve({ status: 0, headers: {}, body: '', broken: true }));
      options.onRequest?.(request);
      request.end(bytes);
    });
  }

  /** What the segments that this part of an event carries say. */
  textOf({ segments, content_key }: Pick<BodySegment, 'segments' | 'content_key'>): string {
    const kept = this.keyBook.keys.get(content_key ?? '');
    const key = kept?.state === 'live' ? Buffer.from(kept.wrapped, 'base64') : Buffer.alloc(0);
    return Buffer.concat(
      segments.flatMap(({ inline }) => (inline === null ? [] : [openSealed(content_key ?? '', key, inline)])),
    ).toString();
  }

  #options(settings: RigSettings): ProxyOptions {
    return {
      config: {
        server: {
          host: '127.0.0.1',
          gateway_port: 0,
          console_port: 0,
          issuer_port: 0,
          metrics_port: 0,
          body_limit: settings.bodyLimit ?? 32 * 1024 * 1024,
          drain_timeout: settings.drainTimeout ?? 2_000,
        },
        approvals: { silent: 20_000, keep_alive: 10_000, max_wait: 900_000, retry_window: 600_000, ...settings.approvals },
      },
      connections: () => this.connections,
      policySource: this.policies,
      identity: this.identity,
      recorder: this.recorder,
      approvals: this.book,
      credentials: () => ({ header: 'x-api-key', value: 'stored-key' }),
      digestKey: Buffer.alloc(32, 7),
      contentKeys: { book: this.keyBook, wrapper: plainly },
      originalKeys: { book: this.originalBook, wrapper: plainly },
      placeholder: (type) => `[${type}]`,
      protocols: [fakeProtocol],
      clock: new SystemClock(),
      ids: new SystemIds(),
      logger: createLogger('test', { level: 'silent' }),
      ...(settings.limits === undefined ? {} : { limits: settings.limits }),
      ...settings.options,
    };
  }
}

export function connection(name: string, upstream: string, allow: readonly string[] = ['group:engineering']): ConnectionConfig {
  return {
    name,
    protocol: 'anthropic',
    upstream,
    credential: { env: 'UNUSED' },
    credential_header: 'x-api-key',
    allow,
    durability: 'local',
    provider_state: 'refuse',
  };
}

async function collect(response: IncomingMessage): Promise<Answer> {
  const parts: Buffer[] = [];
  let broken = false;
  try {
    for await (const part of response) parts.push(part as Buffer);
  } catch {
    broken = true;
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts).toString(), broken };
}
