import { SYSTEM_CONTEXT, type EventDraft, type Principal } from '#events';
import type { Placeholder } from '#detect';
import type { Logger } from '#observability';
import type { PolicySet, SelectedPolicy } from '#policy';
import type { PolicySource } from '../ports.js';
import type { ScreenContext } from '../protocols/protocol.js';
import type { Evidence } from '../record/evidence.js';

/** The policy one call is judged by, from its request to the last byte of its answer. */
export interface PolicyInForce {
  readonly set: PolicySet;
  readonly selected: SelectedPolicy;
  readonly screening: ScreenContext;
}

/** The published policies: a new set is recorded as policy.published before the first decision names it. */
export class Policies {
  #current: PolicySet | null = null;
  #announcing: Promise<void> = Promise.resolve();
  #wanted: PolicySet | null = null;
  #unsubscribe: (() => void) | null = null;
  readonly #scopes = new WeakMap<SelectedPolicy, string>();
  #scopeCount = 0;

  constructor(
    readonly source: PolicySource,
    readonly evidence: Evidence,
    readonly placeholder: Placeholder,
    readonly logger: Logger,
  ) {}

  /** @throws AffiantError journal_full | journal_failed: then there is no policy in force and nothing may be served. */
  async start(): Promise<void> {
    this.#unsubscribe = this.source.onChange((set) => this.#change(set));
    this.#wanted = this.source.current();
    await this.announce();
  }

  stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }

  /** Records the newest set and puts it in force. Called again after a failure, until it is recorded. */
  announce(): Promise<void> {
    this.#announcing = this.#announcing
      .catch(() => undefined)
      .then(async () => {
        const set = this.#wanted;
        if (set === null || set === this.#current) return;
        if (set.digest !== this.#current?.digest) await this.evidence.commit([publishedDraft(set)]);
        // A crash before this line leaves a published event for a set that no decision named: harmless.
        this.#current = set;
      });
    return this.#announcing;
  }

  get set(): PolicySet {
    if (this.#current === null) throw new Error('no policy is in force');
    return this.#current;
  }

  /** @throws AffiantError policy_failed */
  for(principal: Principal, connection: string): PolicyInForce {
    const set = this.set;
    const selected = set.select(principal, connection);
    return { set, selected, screening: { policy: selected, placeholder: this.placeholder, cacheScope: this.#scope(set, selected) } };
  }

  #change(set: PolicySet): void {
    this.#wanted = set;
    this.announce().catch((error: unknown) =>
      this.logger.error({ err: (error as Error).message, digest: set.digest }, 'the new policy is not in force: it could not be recorded'),
    );
  }

  /** A selection is made once per version, principal's groups and connection, so its identity is the narrowest safe cache scope. */
  #scope(set: PolicySet, selected: SelectedPolicy): string {
    let scope = this.#scopes.get(selected);
    if (scope === undefined) {
      this.#scopeCount += 1;
      scope = `${set.digest}:${this.#scopeCount}`;
      this.#scopes.set(selected, scope);
    }
    return scope;
  }
}

function publishedDraft(set: PolicySet): EventDraft {
  return {
    type: 'control',
    context: SYSTEM_CONTEXT,
    event: {
      kind: 'policy.published',
      outcome: 'success',
      subject: set.digest,
      attributes: [{ name: 'version', value: set.version }],
      detail: set.text,
    },
  };
}
