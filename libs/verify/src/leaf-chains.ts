import { decodeLeaf, LEAF_BYTES, LEAF_TYPES } from '#tlog';
import type { Findings } from './finding.js';

/** What the leaves say about one source. */
export interface SourceSummary {
  readonly source: string;
  readonly leaves: number;
  readonly first_seq: number;
  readonly last_seq: number;
  /** Seqs between first and last that are no leaves: checkpoint events of the source, or events that were never sealed. Only the events can tell. */
  readonly missing: number;
  readonly first_missing: number | null;
}

interface Chain {
  readonly source: string;
  readonly chained: boolean;
  leaves: number;
  first: number;
  seq: number;
  epoch: number;
  missing: number;
  firstMissing: number | null;
  readonly hash: Buffer;
  /** Count of `skip` calls when this head was set: a head from before one is not compared with what follows. */
  at: number;
}

const ZERO = Buffer.alloc(32);
const UNDECODABLE = LEAF_TYPES.indexOf('undecodable') + 1;
/** More sources than any ledger has: a forged tree must not fill the memory. */
const MAX_SOURCES = 100_000;

/**
 * Strict reading of leaves in tree order and of each source's chain: seqs grow, and where they are neighbours `prev_hash` is the payload hash
 * before. Fast path: a leaf whose source field was seen before is checked field by field in place, without an object.
 */
export class LeafChains {
  readonly #chains = new Map<string, Chain>();
  #skips = 0;

  /** @param whole true when reading starts at leaf 0, so that a source's first leaf must be its seq 1 or a hole. */
  constructor(
    private readonly findings: Findings,
    private readonly whole: boolean,
  ) {}

  /** Some leaves could not be read: what follows is not compared with what was before. */
  skip(): void {
    this.#skips += 1;
  }

  /** Reads the leaf at `at`. A leaf that is not one becomes a finding. */
  read(bytes: Buffer, at: number, length: number, index: number): void {
    const field = length === LEAF_BYTES ? bytes.toString('latin1', at + 122, at + 187) : '';
    let chain = this.#chains.get(field);
    if (chain === undefined || !plausible(bytes, at)) {
      try {
        const leaf = decodeLeaf(bytes.subarray(at, at + length));
        if (chain === undefined) chain = this.#open(field, leaf.source_id);
      } catch (error) {
        this.findings.add('leaf_malformed', `leaf ${index}`, (error as Error).message);
        this.skip();
        return;
      }
    }
    this.#follow(chain, bytes, at, index);
  }

  summaries(): SourceSummary[] {
    return [...this.#chains.values()]
      .filter(({ chained }) => chained)
      .map(({ source, leaves, first, seq, missing, firstMissing }) => ({
        source,
        leaves,
        first_seq: first,
        last_seq: seq,
        missing,
        first_missing: firstMissing,
      }))
      .sort((a, b) => (a.source < b.source ? -1 : 1));
  }

  #open(field: string, source: string): Chain {
    // A place of a broker (`topic/number`) stands for records without a source; there is no chain to follow.
    const chained = !source.includes('/');
    const chain = {
      source,
      chained,
      leaves: 0,
      first: 0,
      seq: 0,
      epoch: 0,
      missing: 0,
      firstMissing: null,
      hash: Buffer.alloc(32),
      at: -1,
    };
    if (this.#chains.size < MAX_SOURCES) this.#chains.set(field, chain);
    return chain;
  }

  #follow(chain: Chain, bytes: Buffer, at: number, index: number): void {
    const seq = bytes.readUInt32BE(at + 10) * 2 ** 32 + bytes.readUInt32BE(at + 14);
    const epoch = bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6);
    const undecodable = bytes[at + 1] === UNDECODABLE;
    const start = chain.leaves === 0;
    chain.leaves += 1;
    if (!chain.chained) return;
    if (start) chain.first = seq;
    const known = chain.at === this.#skips || (start && this.whole && this.#skips === 0);
    if (known) {
      if (seq <= chain.seq && !start) {
        const code = seq === chain.seq ? 'seq_repeated' : 'seq_disordered';
        this.findings.add(code, `leaf ${index}`, `source ${chain.source}: seq ${seq} comes after seq ${chain.seq}`);
      } else if (seq === chain.seq + 1) {
        const expected = start ? ZERO : chain.hash;
        if (!undecodable && bytes.compare(expected, 0, 32, at + 90, at + 122) !== 0)
          this.findings.add(
            'chain_broken',
            `leaf ${index}`,
            `source ${chain.source}: prev_hash of seq ${seq} is not the hash of seq ${chain.seq}`,
          );
      } else {
        chain.missing += seq - chain.seq - 1;
        chain.firstMissing ??= chain.seq + 1;
        // Two leaves that follow each other by hash and not by number: one of the numbers is made up.
        if (!start && !undecodable && bytes.compare(chain.hash, 0, 32, at + 90, at + 122) === 0)
          this.findings.add(
            'chain_broken',
            `leaf ${index}`,
            `source ${chain.source}: seq ${seq} follows seq ${chain.seq} by its prev_hash, and not by its number`,
          );
      }
      if (!start && !undecodable && epoch < chain.epoch)
        this.findings.add('seq_disordered', `leaf ${index}`, `source ${chain.source}: boot epoch ${epoch} comes after ${chain.epoch}`);
    }
    chain.seq = seq;
    if (!undecodable) chain.epoch = epoch;
    bytes.copy(chain.hash, 0, at + 58, at + 90);
    chain.at = this.#skips;
  }
}

/** Version, type and the three numbers are in range; the source field was found valid before. Anything else goes through the strict decoder. */
function plausible(bytes: Buffer, at: number): boolean {
  return (
    bytes[at] === 1 &&
    bytes[at + 1]! >= 1 &&
    bytes[at + 1]! <= LEAF_TYPES.length &&
    bytes[at + 2] === 0 &&
    bytes[at + 10] === 0 &&
    bytes[at + 18] === 0 &&
    bytes[at + 3]! < 0x20 &&
    bytes[at + 11]! < 0x20 &&
    bytes[at + 19]! < 0x20
  );
}
