import type { ContentKeys } from '#content-keys';
import { AffiantError, toAffiantError } from '#errors';
import type { KeysGiven, KeysWanted } from './ledger-task.js';

/** Longest wait for the other thread; the ingest asks again. */
const ANSWER_MS = 30_000;

/** The worker's side: asks the main thread for keys. */
export class AskedKeys implements ContentKeys {
  readonly #waiting = new Map<number, { readonly give: (given: KeysGiven) => void; readonly timer: NodeJS.Timeout }>();
  #next = 1;

  constructor(private readonly ask: (wanted: KeysWanted) => void) {}

  open(keys: readonly string[]): Promise<Map<string, Buffer | null>> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const late = (): void => {
        this.#waiting.delete(id);
        reject(new AffiantError('content_key_failed', 'the keys were not given in time'));
      };
      const give = (given: KeysGiven): void => {
        if ('failed' in given) reject(new AffiantError(given.failed.code, given.failed.message));
        else resolve(new Map(given.keys.map(([name, key]) => [name, key === null ? null : Buffer.from(key)])));
      };
      this.#waiting.set(id, { give, timer: setTimeout(late, ANSWER_MS).unref() });
      this.ask({ id, keys });
    });
  }

  /** What the main thread answered. */
  take(given: KeysGiven): void {
    const waiting = this.#waiting.get(given.id);
    if (waiting === undefined) return;
    this.#waiting.delete(given.id);
    clearTimeout(waiting.timer);
    waiting.give(given);
  }
}

/** The main thread's side. Never throws: what fails is told as a failure, which the ingest tries again. */
export async function giveKeys({ id, keys }: KeysWanted, from: Promise<ContentKeys>): Promise<KeysGiven> {
  try {
    return { id, keys: [...(await (await from).open(keys))] };
  } catch (cause) {
    const { code, message } = toAffiantError(cause, 'content_key_failed', 'the keys cannot be had');
    return { id, failed: { code, message } };
  }
}
