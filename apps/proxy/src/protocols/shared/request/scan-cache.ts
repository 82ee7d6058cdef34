import type { RuleOutcome } from '#policy';
import type { Finding } from '../../../mask/findings.js';
import type { MaskedPlace } from '../../../mask/brought-values.js';

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
  /** Null when no message of a user is in the piece. */
  readonly userText: UserText | null;
  /** Where masked values stand in its bytes; empty unless policy may give values back. */
  readonly places: readonly MaskedPlace[];
  /** Something of it counts for the whole body: a finding, an outcome, a name, a reference or what a user said. */
  readonly counts: boolean;
  /** Values that policy wants kept are masked in it. They are not remembered: who needs them scans the piece again. */
  readonly keeps: boolean;
}

const ENTRY_OVERHEAD = 512;

/**
 * Remembers scans of pieces by content: an agent resends the whole conversation each turn, and only what is new should cost anything.
 * Keys hold the policy scope, the kind and the SHA-256 of the original bytes, never the bytes. Bounded in bytes, least recently used goes first.
 */
export class ScanCache {
  private readonly entries = new Map<string, PieceScan>();
  private bytes = 0;

  constructor(private readonly maxBytes: number = 64 << 20) {}

  get(key: string): PieceScan | undefined {
    const scan = this.entries.get(key);
    if (scan !== undefined) {
      this.entries.delete(key);
      this.entries.set(key, scan);
    }
    return scan;
  }

  set(key: string, scan: PieceScan): void {
    const known = this.entries.get(key);
    if (known !== undefined) {
      this.entries.delete(key);
      this.bytes -= weight(key, known);
    }
    const added = weight(key, scan);
    if (added > this.maxBytes / 4) return;
    this.entries.set(key, scan);
    this.bytes += added;
    for (const [oldest, old] of this.entries) {
      if (this.bytes <= this.maxBytes) break;
      this.entries.delete(oldest);
      this.bytes -= weight(oldest, old);
    }
  }

  get usedBytes(): number {
    return this.bytes;
  }
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
