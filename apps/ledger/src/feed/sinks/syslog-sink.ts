import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { AffiantError, toAffiantError } from '#errors';
import type { OcsfRecord } from '#ocsf';
import type { RecordSink } from '../ports.js';
import { syslogFrame, type SyslogOrigin } from './syslog-frame.js';

const CONNECT_MS = 10_000;
/** Longest wait for the receiver to make room. */
const WRITE_MS = 30_000;
/** Records whose fate is open after a connection breaks, and so are sent again. */
const DOUBT_MS = 10_000;
const MAX_DOUBT = 5_000;

export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface SyslogSinkOptions {
  readonly host: string;
  readonly port: number;
  /** Null: plain TCP, for a receiver on the same machine. Read anew for each connection, so that a renewed certificate is picked up. */
  readonly tls: (() => Promise<TlsMaterial>) | null;
  readonly origin: SyslogOrigin;
  /** How long the connection must stay up after a write before the records count as taken, milliseconds. */
  readonly settle: number;
}

/**
 * RFC 5424 over TLS (RFC 5425) with reconnect. Syslog has no acknowledgement: "taken" means that the kernel has all bytes and the connection
 * is still up a moment later. What the last ten seconds before a broken connection carried is sent again on the next one. A receiver that takes
 * bytes and loses them without breaking the connection, or together with this process, loses records; the sequence shows it.
 */
export class SyslogSink implements RecordSink {
  readonly name = 'syslog';
  #socket: Socket | null = null;
  #broken = '';
  #last: Promise<void> = Promise.resolve();
  #doubt: { readonly at: number; readonly records: readonly OcsfRecord[] }[] = [];
  #closed = false;

  constructor(private readonly options: SyslogSinkOptions) {}

  /** One call at a time: the connection is one. */
  deliver(records: readonly OcsfRecord[]): Promise<void> {
    const done = this.#last.then(() => this.#deliver(records));
    this.#last = done.catch(() => undefined);
    return done;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null || socket.destroyed) return;
    // The receiver gets a clean end after all bytes, so that nothing is in doubt.
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      socket.end();
      setTimeout(() => socket.destroy(), 1_000).unref();
    });
  }

  async #deliver(records: readonly OcsfRecord[]): Promise<void> {
    if (this.#closed) throw new AffiantError('siem_failed', 'the syslog sink is closed');
    const socket = this.#socket ?? (await this.#reconnect());
    await this.#write(socket, records);
    await delay(this.options.settle);
    if (this.#socket !== socket) throw new AffiantError('siem_failed', `the syslog connection broke: ${this.#broken}`);
    this.#remember(records);
  }

  async #reconnect(): Promise<Socket> {
    const socket = await this.#connect();
    const since = performance.now() - DOUBT_MS;
    const doubtful = this.#doubt.filter(({ at }) => at > since).flatMap(({ records }) => records);
    if (doubtful.length > 0) await this.#write(socket, doubtful);
    return socket;
  }

  async #connect(): Promise<Socket> {
    const { host, port, tls } = this.options;
    const material = tls === null ? null : await tls();
    this.#broken = '';
    return new Promise((resolve, reject) => {
      const socket =
        material === null
          ? connectPlain({ host, port })
          : connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...material });
      const timer = setTimeout(() => socket.destroy(new Error('no answer')), CONNECT_MS);
      socket.once(material === null ? 'connect' : 'secureConnect', () => {
        clearTimeout(timer);
        socket.setKeepAlive(true, 10_000);
        this.#socket = socket;
        resolve(socket);
      });
      socket.on('error', (error) => (this.#broken = error.message));
      // A receiver has nothing to say; reading is how its end is noticed.
      socket.on('end', () => socket.destroy());
      socket.resume();
      socket.once('close', () => {
        clearTimeout(timer);
        if (this.#socket === socket) this.#socket = null;
        reject(new AffiantError('siem_failed', `no syslog connection to ${host}:${port}: ${this.#broken || 'closed by the receiver'}`));
      });
    });
  }

  #write(socket: Socket, records: readonly OcsfRecord[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (error?: Error | null): void => {
        settled();
        reject(
          toAffiantError(error ?? null, 'siem_failed', `the syslog connection broke: ${error?.message ?? (this.#broken || 'closed')}`),
        );
      };
      const timer = setTimeout(() => socket.destroy(new Error('the receiver takes nothing')), WRITE_MS);
      const settled = (): void => {
        clearTimeout(timer);
        socket.off('close', fail);
      };
      socket.once('close', fail);
      if (socket.destroyed) return fail();
      const frames = records.map((record) => syslogFrame(record, this.options.origin)).join('');
      socket.write(frames, 'latin1', (error) => {
        if (error != null) return fail(error);
        settled();
        resolve();
      });
    });
  }

  #remember(records: readonly OcsfRecord[]): void {
    const now = performance.now();
    this.#doubt = [...this.#doubt.filter(({ at }) => at > now - DOUBT_MS), { at: now, records }];
    while (this.#doubt.reduce((sum, { records: each }) => sum + each.length, 0) > MAX_DOUBT && this.#doubt.length > 1) this.#doubt.shift();
  }
}
