/** What the verified tree holds of one source, in the order of the tree, which is that of the seqs. */
export interface SourceLeaves {
  readonly seqs: number[];
  readonly indexes: number[];
  /** 32 latin-1 characters each: a string of that size costs half of what a Buffer does. */
  readonly hashes: string[];
}

export class SealedLeaves {
  readonly sources = new Map<string, SourceLeaves>();

  add(source: string, seq: number, index: number, payloadHash: Buffer): void {
    let one = this.sources.get(source);
    if (one === undefined) this.sources.set(source, (one = { seqs: [], indexes: [], hashes: [] }));
    one.seqs.push(seq);
    one.indexes.push(index);
    one.hashes.push(payloadHash.toString('latin1'));
  }
}
