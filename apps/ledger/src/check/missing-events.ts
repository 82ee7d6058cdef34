import type { Control } from '#events';
import { CLASS_TYPES } from '#retention';
import { Findings } from '#verify';
import type { SourceLeaves } from './sealed-leaves.js';

interface Group {
  count: number;
  readonly where: string;
  readonly message: string;
}

/**
 * Events that leaves commit to and that have no row. Those of a month and class whose drop the ledger recorded are noted, all others are findings:
 * which it is can only be said when every event was read.
 */
export class MissingEvents {
  readonly #groups = new Map<string, Group>();
  readonly #dropped = new Set<string>();

  add(source: string, leaves: SourceLeaves, at: number): void {
    const group = leaves.groups[at]!;
    const known = this.#groups.get(group);
    if (known !== undefined) known.count += 1;
    else
      this.#groups.set(group, {
        count: 1,
        where: `ledger.events ${source} seq ${leaves.seqs[at]}`,
        message: `leaf ${leaves.indexes[at]} commits to an event that is not there`,
      });
  }

  /** A control event whose bytes its leaf commits to. */
  heard({ kind, attributes }: Control): void {
    if (kind !== 'retention.dropped') return;
    const facts = new Map(attributes.map(({ name, value }) => [name, value]));
    const types = (CLASS_TYPES as Readonly<Record<string, readonly string[]>>)[facts.get('class') ?? ''] ?? [];
    for (const type of types) this.#dropped.add(`${facts.get('partition')}/${type}`);
  }

  /** Findings go in front: that something is gone is told before what follows from it. @returns notes */
  tell(findings: Findings): string[] {
    const gone = new Findings();
    const notes: string[] = [];
    for (const [group, { count, where, message }] of this.#groups) {
      if (this.#dropped.has(group))
        notes.push(
          `${count} events of ${group} are not there: they were dropped when their retention ended, as the ledger recorded (retention.dropped). Their leaves are.`,
        );
      else gone.add('event_missing', where, count === 1 ? message : `${message}, and so do ${count - 1} more of ${group}`);
    }
    findings.putFirst(gone);
    return notes;
  }
}
