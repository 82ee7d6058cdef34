/** Whether the gateway is shutting down: no new calls, and who waits for people is told to come again. */
export class Drain {
  begun = false;
  /** The drain timeout is over: what still runs is being cut off. */
  cutting = false;
  readonly #listeners = new Set<() => void>();

  /** Returns the unsubscribe; calls at once when it has begun. */
  onBegin(listener: () => void): () => void {
    if (this.begun) listener();
    else this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  begin(): void {
    if (this.begun) return;
    this.begun = true;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}
