import { SYSTEM_CONTEXT, type Clock, type EventDraft, type EventRecorder, type Principal } from '#events';
import type { Logger } from '#observability';

export type RefusalKind = 'identity.refused' | 'path.refused';

export interface Refusal {
  readonly kind: RefusalKind;
  readonly code: string;
  readonly reason: string;
  readonly remote: string;
  readonly principal: Principal | null;
}

interface Counted extends Refusal {
  count: number;
}

/** Distinct refusals counted apart while waiting; what comes above is counted together. */
const DISTINCT = 256;
const WINDOW_MS = 1_000;

/**
 * Turns refusals of calls that never became an exchange into control events: the first ones of each second at once, the rest
 * counted into the events of the next, so that a flood cannot fill the journal and no refusal is lost from the sum of `count`.
 */
export class RefusalTally {
  readonly #waiting = new Map<string, Counted>();
  #windowStart = 0;
  #windowEvents = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(
    readonly recorder: EventRecorder,
    readonly clock: Clock,
    readonly logger: Logger,
    /** Events per second. */
    readonly rate: number,
  ) {}

  note(refusal: Refusal): void {
    const key = `${refusal.kind}\n${refusal.code}\n${refusal.remote}\n${refusal.principal?.issuer ?? ''}\n${refusal.principal?.subject ?? ''}`;
    const same = this.#waiting.get(key);
    if (same !== undefined) same.count += 1;
    else if (this.#waiting.size < DISTINCT) this.#waiting.set(key, { ...refusal, count: 1 });
    else this.#countTogether(refusal);
    this.#send();
  }

  /** Writes all that waits, above the rate too. Used at shutdown. */
  async flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#waiting.size > 0) await this.#record([...this.#waiting.keys()]);
  }

  #countTogether(refusal: Refusal): void {
    const key = `${refusal.kind}\nothers`;
    const others = this.#waiting.get(key);
    if (others !== undefined) others.count += 1;
    else this.#waiting.set(key, { ...refusal, reason: 'various', code: 'various', remote: 'various', principal: null, count: 1 });
  }

  #send(): void {
    const now = this.clock.monotonicUs() / 1000;
    if (now - this.#windowStart >= WINDOW_MS) {
      this.#windowStart = now;
      this.#windowEvents = 0;
    }
    const free = this.rate - this.#windowEvents;
    if (free > 0) {
      const keys = [...this.#waiting.keys()].slice(0, free);
      this.#windowEvents += keys.length;
      void this.#record(keys).catch((error: unknown) =>
        this.logger.error({ err: (error as Error).message }, 'refusals are not recorded yet'),
      );
    }
    this.#arm();
  }

  #arm(): void {
    if (this.#waiting.size === 0 || this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#send();
    }, WINDOW_MS).unref();
  }

  async #record(keys: readonly string[]): Promise<void> {
    const taken = keys.flatMap((key) => {
      const counted = this.#waiting.get(key);
      this.#waiting.delete(key);
      return counted === undefined ? [] : [[key, counted] as const];
    });
    try {
      await this.recorder.record(taken.map(([, counted]) => controlDraft(counted)));
    } catch (error) {
      // Not durable: the counts wait for the next turn.
      for (const [key, counted] of taken) {
        const later = this.#waiting.get(key);
        if (later !== undefined) later.count += counted.count;
        else this.#waiting.set(key, counted);
      }
      this.#arm();
      throw error;
    }
  }
}

function controlDraft(refusal: Counted): EventDraft {
  return {
    type: 'control',
    context: { ...SYSTEM_CONTEXT, principal: refusal.principal },
    event: {
      kind: refusal.kind,
      outcome: 'failure',
      subject: null,
      attributes: [
        { name: 'code', value: refusal.code },
        { name: 'reason', value: refusal.reason },
        { name: 'remote', value: refusal.remote },
        { name: 'count', value: String(refusal.count) },
      ],
      detail: null,
    },
  };
}
