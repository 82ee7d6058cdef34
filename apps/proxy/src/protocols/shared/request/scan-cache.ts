import type { RuleOutcome } from '#policy';
import type { Finding } from '../../../mask/findings.js';
import type { MaskedPlace } from '../../../mask/brought-values.js';
import { keptDigest } from './digests.js';
import { PlainPieces } from './plain-pieces.js';

/** The last user text of a run of messages. */
export interface UserText {
  /** SHA-256 of the masked text without its wrapping; null when the message holds tool results only. */
  readonly digest: Buffer | null;
  /** Masked, cut. */
  readonly summary: string;
}

/** All that was learned about a piece when it was first seen. */
export interface PieceScan {
  /** Null when masking changes nothing: the piece then stands for itself. */
  readonly masked: Buffer | null;
  /** Ends and SHA-256 of the cuts of the masked bytes, none above 128 kB. */
  readonly cuts: readonly { readonly end: number; readonly sha256: Buffer }[];
  readonly findings: readonly Finding[];
  readonly outcomes: readonly RuleOutcome[];
  /** SHA-256 of each text, masked, that people are to be asked about. */
  readonly heldTexts: readonly Buffer[];
  readonly toolNames: readonly string[];
  /** Content it refers to and does not carry. */
  readonly references: readonly string[];
  /** A message of a user is in the piece. */
  readonly hasUser: boolean;
  /** What its last user says; null until it was asked for: of a whole body only the last one counts. */
  readonly userText: UserText | null;
  /** Where masked values stand in its bytes; empty unless policy may give values back. */
  readonly places: readonly MaskedPlace[];
  /** Something of it counts for the whole body: a finding, an outcome, a name or a reference. */
  readonly counts: boolean;
  /** Values that policy wants kept are masked in it. They are not remembered: who needs them scans the piece again. */
  readonly keeps: boolean;
}

const ENTRY_OVERHEAD = 512;
/** Share of the bound that is made free when it is reached: a Map goes over all that was deleted from it to find its oldest entry. */
const FREED_SHARE = 1 / 64;

/**
 * Remembers scans of pieces by content: an agent resends the whole conversation each turn, and only what is new should cost anything.
 * Keys are the policy scope, the kind and the SHA-256 of the original bytes, never the bytes. Bounded in bytes, least recently used goes first; pieces in
 * which nothing was found are kept apart, in memory of a fixed size.
 */
export class ScanCache {
  private readonly entries = new Map<string, PieceScan>();
  private readonly plain = new PlainPieces();
  private bytes = 0;

  constructor(private readonly maxBytes: number = 64 << 20) {}

  /** @param scope policy scope and kind @param digest of the piece's `length` bytes */
  get(scope: string, digest: string, length: number): PieceScan | undefined {
    const plain = this.plain.find(scope, digest);
    if (plain !== null) return plainScan(digest, length, plain.hasUser);
    const key = keyOf(scope, digest);
    const scan = this.entries.get(key);
    if (scan !== undefined) {
      this.entries.delete(key);
      this.entries.set(key, scan);
    }
    return scan;
  }

  set(scope: string, digest: string, scan: PieceScan): void {
    if (isPlain(scan)) this.plain.add(scope, digest, scan.hasUser);
    else this.keep(keyOf(scope, digest), scan);
  }

  /** Bytes of the scans that found something. */
  get usedBytes(): number {
    return this.bytes;
  }

  private keep(key: string, scan: PieceScan): void {
    const known = this.entries.get(key);
    if (known !== undefined) {
      this.entries.delete(key);
      this.bytes -= weight(key, known);
    }
    const added = weight(key, scan);
    if (added > this.maxBytes / 4) return;
    this.entries.set(key, scan);
    this.bytes += added;
    if (this.bytes <= this.maxBytes) return;
    for (const [oldest, old] of this.entries) {
      if (this.bytes <= this.maxBytes * (1 - FREED_SHARE)) break;
      this.entries.delete(oldest);
      this.bytes -= weight(oldest, old);
    }
  }
}

function keyOf(scope: string, digest: string): string {
  return `${digest} ${scope}`;
}

const NOTHING: readonly never[] = [];

/** The scan of a piece of at most CUT_BYTES in which nothing was found: all there is to know of it is its digest. */
export function plainScan(digest: string, length: number, hasUser: boolean): PieceScan {
  return {
    masked: null,
    cuts: [{ end: length, sha256: keptDigest(digest) }],
    findings: NOTHING,
    outcomes: NOTHING,
    heldTexts: NOTHING,
    toolNames: NOTHING,
    references: NOTHING,
    hasUser,
    userText: null,
    places: NOTHING,
    counts: false,
    keeps: false,
  };
}

function isPlain({ masked, cuts, userText, places, counts, keeps }: PieceScan): boolean {
  return masked === null && cuts.length === 1 && userText === null && places.length === 0 && !counts && !keeps;
}

function weight(key: string, scan: PieceScan): number {
  return (
    ENTRY_OVERHEAD +
    key.length +
    (scan.masked?.length ?? 0) +
    (scan.userText?.summary.length ?? 0) +
    scan.cuts.length * 160 +
    scan.findings.length * 200 +
    scan.places.length * 160 +
    scan.toolNames.length * 64
  );
}
