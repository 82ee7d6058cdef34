import type { Verdict } from '#policy';
import type { HeldPart } from '../../protocol.js';

/** A part of the response that waits for people, or is refused. */
export interface Decision {
  readonly verdict: Verdict;
  /** Set when people decide. */
  readonly held: HeldPart | null;
  grant(): void;
}

/** Decisions in the order their parts came: one is shown at a time, and a refusal only when all before it were granted. */
export class HoldQueue {
  private readonly waiting: Decision[] = [];
  private current: Decision | null = null;
  private refused: Verdict | null = null;

  get isWaiting(): boolean {
    return this.current !== null;
  }

  /** True while anything is still to be told or answered. */
  get isPending(): boolean {
    return this.current !== null || this.waiting.length > 0;
  }

  get isRefused(): boolean {
    return this.refused !== null;
  }

  add(decision: Decision): void {
    this.waiting.push(decision);
  }

  /** The next thing to tell the caller, once. */
  next(): { held?: HeldPart; blocked?: Verdict } {
    if (this.current !== null || this.refused !== null) return {};
    const decision = this.waiting.shift();
    if (decision === undefined) return {};
    if (decision.held === null) {
      this.refused = decision.verdict;
      return { blocked: decision.verdict };
    }
    this.current = decision;
    return { held: decision.held };
  }

  /** @returns the refusal, when the answer is no. */
  resolve(granted: boolean): Verdict | null {
    const decision = this.current;
    this.current = null;
    if (decision === null) return null;
    if (granted) {
      decision.grant();
      return null;
    }
    this.refused = decision.verdict;
    return decision.verdict;
  }
}
