import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { ConnectionConfig } from '#config';
import { inPieces, lengthOf, PIECE_BYTES } from '../intake/pieces.js';
import type { GatewayLimits } from '../ports.js';
import { Pool } from './pool.js';
import { UpstreamCall } from './upstream-call.js';

/** Parts of a body that are together no larger are joined: a copy costs less than a write for each. */
const JOIN_UP_TO = 64 * 1024;

/** One pool of connections per upstream origin; pools of origins that no connection names any more are closed after their last call. */
export class Upstreams {
  readonly #pools = new Map<string, Pool>();
  readonly #bases = new WeakMap<ConnectionConfig, { origin: string; prefix: string }>();

  constructor(readonly limits: GatewayLimits) {}

  /** Sends the request at once; the answer is pulled from the returned call. `path` is without the upstream's own prefix. */
  ask(
    connection: ConnectionConfig,
    request: { method: string; path: string; headers: string[]; body: readonly Buffer[] | null },
  ): UpstreamCall {
    const { origin, prefix } = this.#base(connection);
    const call = new UpstreamCall();
    const { body } = request;
    const length = body === null ? 0 : lengthOf(body);
    const isLarge = length > PIECE_BYTES || (body !== null && body.length > 1 && length > JOIN_UP_TO);
    const options: Dispatcher.DispatchOptions = {
      origin,
      path: prefix + request.path,
      method: request.method as Dispatcher.HttpMethod,
      headers: isLarge ? [...request.headers, 'content-length', String(length)] : request.headers,
      // undici takes any async iterable; its types name only one.
      body: body === null ? null : isLarge ? (inPieces(body) as unknown as Readable) : whole(body),
      headersTimeout: this.limits.upstream_head_timeout,
      bodyTimeout: this.limits.upstream_idle_timeout,
    };
    this.#pool(origin).dispatch(options, call);
    return call;
  }

  /** Closes the pools no connection uses any more; calls in flight end first. */
  keepOnly(connections: readonly ConnectionConfig[]): void {
    const used = new Set(connections.map((connection) => this.#base(connection).origin));
    for (const [origin, pool] of this.#pools) {
      if (used.has(origin)) continue;
      this.#pools.delete(origin);
      void pool.close().catch(() => undefined);
    }
  }

  /** Ends every connection, whatever runs on it. */
  async destroy(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  #pool(origin: string): Pool {
    let pool = this.#pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, {
        connections: this.limits.upstream_connections,
        pipelining: 1,
        connect: { timeout: this.limits.upstream_connect_timeout },
      });
      this.#pools.set(origin, pool);
    }
    return pool;
  }

  #base(connection: ConnectionConfig): { origin: string; prefix: string } {
    let base = this.#bases.get(connection);
    if (base === undefined) {
      const url = new URL(connection.upstream);
      base = { origin: url.origin, prefix: url.pathname.replace(/\/+$/, '') };
      this.#bases.set(connection, base);
    }
    return base;
  }
}

const whole = (parts: readonly Buffer[]): Buffer => (parts.length === 1 ? parts[0]! : Buffer.concat(parts));
