import type { Original } from '#content-keys';
import type { Placeholder } from '#detect';
import type { SelectedPolicy } from '#policy';
import type { ResponseFacts, ResponseScreener, ScreenContext, ScreenStep } from '../protocols/protocol.js';
import type { Steps } from '#wire';

/** Gathers what is masked and policy wants kept. Lives as long as what is screened with it. */
export class OriginalsKeeper {
  readonly context: ScreenContext;
  readonly #kept = new Map<string, Original>();

  constructor(asked: ScreenContext) {
    const { policy, placeholder } = asked;
    this.context = { ...asked, placeholder: (type, value) => this.#note(policy, placeholder, type, value) };
  }

  /** Null when policy keeps nothing: nothing is gathered then. */
  static of(context: ScreenContext): OriginalsKeeper | null {
    return context.policy.keepsOriginals ? new OriginalsKeeper(context) : null;
  }

  get isEmpty(): boolean {
    return this.#kept.size === 0;
  }

  list(): Original[] {
    return [...this.#kept.values()];
  }

  #note(policy: SelectedPolicy, made: Placeholder, type: string, value: string): string {
    const placeholder = made(type, value);
    if (policy.keepsOriginal(type)) this.#kept.set(`${placeholder}\n${value}`, { placeholder, value });
    return placeholder;
  }
}

/** A screener that also says what it masked. */
export class KeepingScreener implements ResponseScreener {
  readonly #of = (): Original[] => this.keeper.list();

  constructor(
    private readonly screener: ResponseScreener,
    private readonly keeper: OriginalsKeeper,
  ) {}

  push(chunk: Buffer): ScreenStep {
    return this.screener.push(chunk);
  }

  end(): ScreenStep {
    return this.screener.end();
  }

  pushing(chunk: Buffer): Steps<ScreenStep> {
    return this.screener.pushing(chunk);
  }

  ending(): Steps<ScreenStep> {
    return this.screener.ending();
  }

  resolve(granted: boolean): ScreenStep {
    return this.screener.resolve(granted);
  }

  facts(): ResponseFacts {
    const facts = this.screener.facts();
    return this.keeper.isEmpty ? facts : { ...facts, originals: this.#of };
  }

  get bufferedBytes(): number {
    return this.screener.bufferedBytes;
  }
}
