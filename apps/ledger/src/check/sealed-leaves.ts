import type { Leaf } from '#tlog';

/** What the verified tree holds of one source, in the order of the tree, which is that of the seqs. */
export interface SourceLeaves {
  readonly seqs: number[];
  readonly indexes: number[];
  /** 32 latin-1 characters each: a string of that size costs half of what a Buffer does. */
  readonly hashes: string[];
  /** `<YYYYMM>/<type>`: what retention drops together. */
  readonly groups: string[];
  /** Where the boot epoch of the leaves changes: the first seq of each, in the order of the tree. */
  readonly epochs: { readonly seq: number; readonly epoch: number }[];
}

const DAY_US = 86_400_000_000;

export class SealedLeaves {
  readonly sources = new Map<string, SourceLeaves>();
  /** Of each leaf, in the order of the tree. */
  readonly #order: SourceLeaves[] = [];
  readonly #names = new Map<SourceLeaves, string>();
  readonly #groups = new Map<string, string>();
  /** Leaves come in the order of time, nearly: the month is worked out once a day. */
  #day = NaN;
  #month = '';

  add({ source_id, seq, boot_epoch, payload_hash, occurred_at, type }: Leaf, index: number): void {
    let one = this.sources.get(source_id);
    if (one === undefined) {
      this.sources.set(source_id, (one = { seqs: [], indexes: [], hashes: [], groups: [], epochs: [] }));
      this.#names.set(one, source_id);
    }
    this.#order.push(one);
    one.seqs.push(seq);
    one.indexes.push(index);
    one.hashes.push(payload_hash.toString('latin1'));
    if (type !== 'undecodable' && one.epochs.at(-1)?.epoch !== boot_epoch) one.epochs.push({ seq, epoch: boot_epoch });
    one.groups.push(this.#once(`${this.#monthOf(occurred_at)}/${type}`));
  }

  /** Source and seq of each leaf, in the order of the tree. */
  *inOrder(): Iterable<Pick<Leaf, 'source_id' | 'seq'>> {
    const taken = new Map<SourceLeaves, number>();
    for (const one of this.#order) {
      const at = taken.get(one) ?? 0;
      taken.set(one, at + 1);
      yield { source_id: this.#names.get(one)!, seq: one.seqs[at]! };
    }
  }

  #monthOf(micros: number): string {
    const day = Math.floor(micros / DAY_US);
    if (day !== this.#day) [this.#day, this.#month] = [day, monthOf(micros)];
    return this.#month;
  }

  /** One string for all leaves of a group. */
  #once(group: string): string {
    const known = this.#groups.get(group);
    if (known === undefined) this.#groups.set(group, group);
    return known ?? group;
  }
}

/** Month of a time in microseconds, UTC, as the ledger store partitions. */
function monthOf(micros: number): string {
  const date = new Date(Math.floor(micros / 1000));
  return Number.isNaN(date.getTime()) ? '0' : `${date.getUTCFullYear()}${String(date.getUTCMonth() + 1).padStart(2, '0')}`;
}
