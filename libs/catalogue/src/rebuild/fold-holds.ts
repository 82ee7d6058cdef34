import type { Control } from '#events';
import type { DropRow, HoldRow } from '../holds/entities.js';
import type { HoldScope, RecordClass } from '../holds/port.js';

/** Builds holds and drops from the control events `hold.placed`, `hold.released`, `retention.intended`, `retention.dropped` and `retention.abandoned`. */
export class HoldFold {
  readonly #placed = new Map<string, Control>();
  readonly #released = new Map<string, Control>();
  readonly #intended = new Map<string, Control>();
  readonly #ended = new Map<string, Control>();

  take(event: Control): void {
    const { kind, subject } = event;
    if (subject === null) return;
    if (kind === 'hold.placed') this.#placed.set(subject, event);
    else if (kind === 'hold.released') this.#released.set(subject, event);
    else if (kind === 'retention.intended') this.#intended.set(subject, event);
    else if (kind === 'retention.dropped' || kind === 'retention.abandoned') this.#ended.set(subject, event);
  }

  holds(): HoldRow[] {
    return [...this.#placed].flatMap(([id, event]) => {
      const by = event.envelope.principal;
      if (by === null) return [];
      const released = this.#released.get(id);
      const facts = factsOf(event);
      return [
        {
          id,
          state: released === undefined ? 'placed' : 'released',
          scope: scopeOf(facts),
          reason: facts['reason'] ?? '',
          placed_by: by,
          placed_at: toMs(event),
          released_by: released?.envelope.principal ?? null,
          released_at: released === undefined ? null : toMs(released),
          release_reason: released === undefined ? null : (factsOf(released)['reason'] ?? ''),
        } satisfies HoldRow,
      ];
    });
  }

  /** What is intended and has no end is `intended` again: whether it was carried out is for the next run to see, and carrying it out twice changes nothing. */
  drops(): DropRow[] {
    return [...this.#intended].map(([id, event]) => {
      const facts = factsOf(event);
      const ended = this.#ended.get(id);
      const state = ended === undefined ? 'intended' : ended.kind === 'retention.dropped' ? 'dropped' : 'abandoned';
      return {
        id,
        partition: Number(facts['partition'] ?? 0),
        record_class: (facts['class'] ?? 'content') as RecordClass,
        state,
        rows: Number(facts['rows'] ?? 0),
        from_us: Number(facts['from_us'] ?? 0),
        to_us: Number(facts['to_us'] ?? 0),
        policy_digest: facts['policy_digest'] ?? '',
        frontiers: frontiersOf(event.detail),
        intended_at: toMs(event),
        ended_at: ended === undefined ? null : toMs(ended),
      };
    });
  }
}

function scopeOf(facts: Readonly<Record<string, string>>): HoldScope {
  const time = (name: string): number | null => (facts[name] === undefined ? null : Date.parse(facts[name]));
  return {
    from: time('from'),
    to: time('to'),
    session: facts['session'] ?? null,
    principal: facts['principal'] ?? null,
    connection: facts['connection'] ?? null,
  };
}

/** The detail of retention.intended is the frontiers as JSON. What cannot be read drops nothing: no seq is up to 0. */
function frontiersOf(detail: string | null): Record<string, number> {
  try {
    return JSON.parse(detail ?? '{}') as Record<string, number>;
  } catch {
    return {};
  }
}

const factsOf = (event: Control): Record<string, string> => Object.fromEntries(event.attributes.map(({ name, value }) => [name, value]));

const toMs = (event: Control): number => Math.floor(event.envelope.occurred_at / 1000);
