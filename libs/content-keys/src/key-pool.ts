import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AffiantError } from '#errors';
import type { Clock, Ids } from '#events';
import type { IssuedKey, IssuingWrapper, KeyBook } from './port.js';
import { SealingKey, type Purpose } from './sealing.js';

export interface KeyPoolOptions {
  readonly book: Pick<KeyBook, 'issue'>;
  readonly wrapper: IssuingWrapper;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly ids: Ids;
  /** Default `content`. */
  readonly purpose?: Purpose;
  /** Called when a batch could not be issued; the next try follows. */
  readonly onFailure?: (error: unknown) => void;
  /** Keys kept ready. Default 1,024. */
  readonly size?: number;
  /** Keys of one batch, one write of the catalogue each. Default 64: more would hold the event loop. */
  readonly batch?: number;
  /** How long `take` waits at an empty pool, milliseconds. Default 5,000. */
  readonly waitMs?: number;
}

const RETRY_MS = 250;
/** Keys made between two turns of the event loop. */
const PER_TURN = 8;

interface Waiter {
  readonly give: (key: SealingKey) => void;
  readonly fail: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Keys that are durable in the catalogue already, so that a call waits for none. A crash leaves keys that nobody uses: harmless.
 * Bounded: at an empty pool `take` waits for a while and then refuses, so nothing is ever recorded in the open for want of a key.
 */
export class KeyPool {
  readonly #ready: SealingKey[] = [];
  readonly #waiting = new Set<Waiter>();
  readonly #options: Required<Pick<KeyPoolOptions, 'size' | 'batch' | 'waitMs'>> & KeyPoolOptions;
  #filling: Promise<void> | null = null;
  #retry: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: KeyPoolOptions) {
    this.#options = { ...options, size: options.size ?? 1_024, batch: options.batch ?? 64, waitMs: options.waitMs ?? 5_000 };
  }

  /** Keys that are ready. */
  get ready(): number {
    return this.#ready.length;
  }

  /** Fills the pool. @throws AffiantError catalogue_failed, content_key_failed when not one batch could be had */
  async open(): Promise<void> {
    await this.#fill();
    if (this.#ready.length === 0) throw new AffiantError('content_key_failed', 'no key could be issued');
  }

  /** A key that nobody else gets: at once while there is one. @throws AffiantError content_key_failed */
  take(): SealingKey | Promise<SealingKey> {
    const key = this.#ready.pop();
    if (this.#ready.length <= this.#options.size / 2) this.#begin();
    if (key !== undefined) return key;
    if (this.#closed) throw new AffiantError('content_key_failed', 'the gateway is shutting down');
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        give: (given) => this.#settle(waiter, () => resolve(given)),
        fail: (error) => this.#settle(waiter, () => reject(error)),
        timer: setTimeout(
          () => waiter.fail(new AffiantError('content_key_failed', 'no key to seal the content was there in time; the call was refused')),
          this.#options.waitMs,
        ),
      };
      this.#waiting.add(waiter);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    for (const waiter of this.#waiting) waiter.fail(new AffiantError('content_key_failed', 'the gateway is shutting down'));
    await this.#filling?.catch(() => undefined);
  }

  #settle(waiter: Waiter, how: () => void): void {
    clearTimeout(waiter.timer);
    if (this.#waiting.delete(waiter)) how();
  }

  #begin(): void {
    if (this.#filling !== null || this.#retry !== null || this.#closed) return;
    this.#fill().catch((error: unknown) => {
      this.#options.onFailure?.(error);
      this.#retry = setTimeout(() => {
        this.#retry = null;
        this.#begin();
      }, RETRY_MS).unref();
    });
  }

  #fill(): Promise<void> {
    this.#filling ??= this.#issueUntilFull().finally(() => {
      this.#filling = null;
    });
    return this.#filling;
  }

  async #issueUntilFull(): Promise<void> {
    const { book, wrapper, clock, ids, size, batch } = this.#options;
    while (!this.#closed && this.#ready.length + batch <= Math.max(size, batch)) {
      const issued: IssuedKey[] = [];
      const keys: SealingKey[] = [];
      await wrapper.refresh?.();
      for (let n = 0; n < batch; n += 1) {
        const [id, key] = [ids.uuid(), randomBytes(32)];
        issued.push({ id, wrapped: await wrapper.wrap(id, key) });
        keys.push(new SealingKey(id, key, this.#options.purpose));
        if (n % PER_TURN === PER_TURN - 1) await nextTurn();
      }
      await book.issue(issued, clock.nowMs());
      // A crash here leaves wrapped keys in the catalogue that seal nothing.
      this.#ready.push(...keys);
      for (const waiter of this.#waiting) {
        const key = this.#ready.pop();
        if (key === undefined) break;
        waiter.give(key);
      }
    }
  }
}
