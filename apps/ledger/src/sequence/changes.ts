import { Stopped } from '../retry.js';

/** Lets tasks of one process wait until something they look at has changed. */
export class Changes {
  #wake: () => void = () => undefined;
  #next = this.#arm();

  constructor(private readonly stopping: AbortSignal) {
    stopping.addEventListener('abort', () => this.notify(), { once: true });
  }

  notify(): void {
    const wake = this.#wake;
    this.#next = this.#arm();
    wake();
  }

  /** Resolves when `ready` says so, asked now and after every change. @throws Stopped */
  async until<T>(ready: () => T | null | false | undefined): Promise<T> {
    for (;;) {
      if (this.stopping.aborted) throw new Stopped();
      const value = ready();
      if (value !== null && value !== false && value !== undefined) return value;
      await this.#next;
    }
  }

  #arm(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
