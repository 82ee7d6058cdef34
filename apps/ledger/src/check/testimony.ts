import type { Control } from '#events';
import type { Findings } from '#verify';
import type { CheckpointFacts } from './checkpoint-rows.js';
import type { SealedLeaves, SourceLeaves } from './sealed-leaves.js';

const CHECKED: ReadonlySet<string> = new Set([
  'ledger.frontier',
  'ledger.gap',
  'ledger.gap_closed',
  'epoch.opened',
  'epoch.closed',
  'exchange.aborted',
  'exchange.answered',
]);

const NONE: SourceLeaves = { seqs: [], indexes: [], hashes: [], groups: [], epochs: [] };

/** What of a source is in the first leaves of the tree. */
export interface Standing {
  /** Leaves of the source among them. */
  readonly inside: number;
  /** Its last seq among them; 0 for none. */
  readonly last: number;
  /** Its first seq behind them; Infinity for none. */
  readonly next: number;
}

/** Where a source stood when the tree had `size` leaves. */
export function standingAt(sealed: SealedLeaves, source: string, size: number): Standing {
  const { indexes, seqs } = sealed.sources.get(source) ?? NONE;
  const inside = below(indexes, size);
  return { inside, last: seqs[inside - 1] ?? 0, next: seqs[inside] ?? Infinity };
}

/**
 * What the ledger says of itself, against the tree: a frontier says where every source stood at a tree size, a gap that a range was not sealed
 * when it was told, its end that it was; an epoch which seqs a life of the source's process had, an exchange where its request or response is.
 */
export class Testimony {
  constructor(
    private readonly sealed: SealedLeaves,
    private readonly checkpoints: readonly CheckpointFacts[],
    private readonly findings: Findings,
  ) {}

  /** Each is about the tree of its `tree_size` leaves: its own leaf comes later, perhaps after what fills a gap. */
  check(event: Control, where: string): void {
    if (!CHECKED.has(event.kind)) return;
    const facts = new Map(event.attributes.map(({ name, value }) => [name, value]));
    const number = (name: string): number => Number(facts.get(name) ?? NaN);
    if (event.kind === 'ledger.frontier') return this.#frontier(event, number('tree_size'), facts.get('root_hash') ?? '', where);
    if (event.kind.startsWith('epoch.')) return this.#epoch(event, number, where);
    if (event.kind.startsWith('exchange.')) return this.#exchange(event, facts.get('source') ?? '', number, where);
    const [source, from, to, size] = [event.subject ?? '', number('from'), number('to'), number('tree_size')];
    const { seqs, indexes } = this.sealed.sources.get(source) ?? NONE;
    const at = below(seqs, from);
    const first = seqs[at] ?? Infinity;
    const range = `seq ${from} to ${to} of ${source}`;
    if (event.kind === 'ledger.gap' && first <= to && indexes[at]! < size)
      this.findings.add(
        'frontier_untrue',
        where,
        `it says that ${range} is missing, and leaf ${indexes[at]} is seq ${first}, sealed before`,
      );
    // What closes a gap may be checkpoint events only, which are no leaves; but nothing of it may come later.
    if (event.kind === 'ledger.gap_closed') {
      const later = seqs.findIndex((seq, place) => seq >= from && seq <= to && indexes[place]! >= size);
      if (later >= 0)
        this.findings.add(
          'frontier_untrue',
          where,
          `it says that ${range} is sealed, and seq ${seqs[later]} is leaf ${indexes[later]}, sealed later`,
        );
    }
  }

  /** An epoch has no leaf before its first seq, and, when it is closed, none behind its last in that tree. */
  #epoch({ kind, subject }: Control, number: (name: string) => number, where: string): void {
    const source = subject ?? '';
    const [epoch, first, last, size] = [number('epoch'), number('first'), number('last'), number('tree_size')];
    const { epochs, seqs, indexes } = this.sealed.sources.get(source) ?? NONE;
    const begin = epochs.findIndex((one) => one.epoch === epoch);
    const untrue = (message: string): void => this.findings.add('frontier_untrue', where, message);
    const life = `epoch ${epoch} of ${source}`;
    const starts = epochs[begin]?.seq ?? Infinity;
    // Its first events, or all of them, may be checkpoints, which are no leaves.
    if (begin < 0 && (seqs[below(seqs, first)] ?? Infinity) > (kind === 'epoch.closed' ? last : first)) return;
    if (begin < 0 || starts < first || (epochs[begin - 1] !== undefined && seqs[below(seqs, first)] !== starts))
      return untrue(`it says that ${life} begins at seq ${first}, and the leaves have it from ${starts}`);
    if (kind !== 'epoch.closed') return;
    const ends = epochs[begin + 1]?.seq ?? Infinity;
    const behind = below(seqs, last + 1);
    const isBehind = behind < seqs.length && seqs[behind]! < ends && indexes[behind]! < size;
    if (isBehind || ends <= last) untrue(`it says that ${life} ends at seq ${last}, and the leaves say otherwise`);
  }

  /** The request or the response that it names is one, in that tree. */
  #exchange({ kind }: Control, source: string, number: (name: string) => number, where: string): void {
    const type = kind === 'exchange.aborted' ? 'request' : 'response';
    const { seqs, indexes, groups } = this.sealed.sources.get(source) ?? NONE;
    const at = below(seqs, number(type));
    if (seqs[at] === number(type) && groups[at]!.endsWith(`/${type}`) && indexes[at]! < number('tree_size')) return;
    this.findings.add('frontier_untrue', where, `it says that seq ${number(type)} of ${source} is a ${type} in the tree of that size`);
  }

  #frontier({ detail }: Control, size: number, root: string, where: string): void {
    const untrue = (message: string): void => this.findings.add('frontier_untrue', where, message);
    const row = this.checkpoints.find(({ tree_size, root_hash }) => tree_size === size && root_hash === root);
    if (row === undefined) untrue(`it names a tree of ${size} leaves that no checkpoint is of`);
    for (const { source, seq, head } of linesOf(detail)) {
      const { inside, last, next } = standingAt(this.sealed, source, size);
      if (seq < last || seq >= next) untrue(`it says ${source} is sealed up to ${seq}; the tree of ${size} leaves has it up to ${last}`);
      // The event at the frontier may be a checkpoint, which is no leaf: its hash is checked with the events.
      const hash = this.sealed.sources.get(source)?.hashes[inside - 1];
      if (seq === last && hash !== undefined && Buffer.from(hash, 'latin1').toString('hex') !== head)
        untrue(`it says seq ${seq} of ${source} is ${head}, and the leaf commits to other bytes`);
    }
  }
}

/** Lines of a frontier's detail; none when it is not in the form that docs/reference/log.md gives. */
function linesOf(detail: string | null | undefined): readonly { source: string; seq: number; head: string }[] {
  try {
    const lines = JSON.parse(detail ?? '[]') as { source: string; seq: number; head: string }[];
    return Array.isArray(lines) ? lines : [];
  } catch {
    return [];
  }
}

/** How many of the growing numbers are below `limit`. */
function below(numbers: readonly number[], limit: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
