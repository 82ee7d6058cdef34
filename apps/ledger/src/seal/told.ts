import type { DeadPlace } from '../read-event.js';

/** What the ledger's own source has told since the last seal, as read back from the event log. */
export class Told {
  #round = 0;
  readonly #dead = new Set<string>();

  checkpoint(round: number): void {
    this.#round = Math.max(this.#round, round);
  }

  deadLetter(place: DeadPlace): void {
    this.#dead.add(keyOf(place));
  }

  hasCheckpoint(round: number): boolean {
    return this.#round >= round;
  }

  hasDeadLetter(place: DeadPlace): boolean {
    return this.#dead.has(keyOf(place));
  }

  /** Dead letters of a finished round need not be remembered. */
  forgetDeadLetters(): void {
    this.#dead.clear();
  }
}

function keyOf({ topic, partition, offset }: DeadPlace): string {
  return `${topic} ${partition} ${offset}`;
}
