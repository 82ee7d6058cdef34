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

export class SealedLeaves {
  readonly sources = new Map<string, SourceLeaves>();
  readonly #groups = new Map<string, string>();

  add({ source_id, seq, boot_epoch, payload_hash, occurred_at, type }: Leaf, index: number): void {
    let one = this.sources.get(source_id);
    if (one === undefined) this.sources.set(source_id, (one = { seqs: [], indexes: [], hashes: [], groups: [], epochs: [] }));
    one.seqs.push(seq);
    one.indexes.push(index);
    one.hashes.push(payload_hash.toString('latin1'));
    if (type !== 'undecodable' && one.epochs.at(-1)?.epoch !== boot_epoch) one.epochs.push({ seq, epoch: boot_epoch });
    one.groups.push(this.#once(`${monthOf(occurred_at)}/${type}`));
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
