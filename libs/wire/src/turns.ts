/**
 * Whose turn it is: what large bodies do goes one piece a turn of the event loop, so that a hundred of them hold it no longer than one does;
 * what small calls wait for goes ahead of it in every turn.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #ahead: (() => void)[] = [];
  #small = 0;
  #pumping = false;
  #gaveWay = false;

  /** @param later runs something after the pending I/O of this turn, in the order of calls; tests put their own here. */
  constructor(private readonly later: (work: () => void) => void = (work) => void setImmediate(work)) {}

  /** True while small calls are under way: large work then goes in smaller pieces. */
  get crowded(): boolean {
    return this.#small > 0;
  }

  /** A small call begins. @returns what to call once when it ended. */
  small(): () => void {
    this.#small += 1;
    let over = false;
    return () => {
      if (!over) this.#small -= 1;
      over = true;
    };
  }

  /** Runs `work` after the pending I/O of this turn, before any large work. Not to be used for what takes long. */
  soon(work: () => void): void {
    this.#ahead.push(work);
    if (this.#ahead.length === 1) this.later(() => this.#runAhead());
  }

  /** Runs `work`, a piece of a large body, when every other waiter and all pending I/O had a turn. */
  large(work: () => void): void {
    this.#waiting.push(work);
    if (this.#pumping) return;
    this.#pumping = true;
    this.later(() => this.#pump());
  }

  /** The same to await. */
  next(): Promise<void> {
    return new Promise((resolve) => this.large(resolve));
  }

  #pump(): void {
    // What goes ahead only begins here and goes on behind promises: large work gives way to it, once, so that nothing starves.
    if (this.#ahead.length > 0 && !this.#gaveWay) {
      this.#gaveWay = true;
      this.#runAhead();
      this.later(() => this.#pump());
      return;
    }
    this.#gaveWay = false;
    this.#runAhead();
    this.#waiting.shift()?.();
    if (this.#waiting.length > 0) this.later(() => this.#pump());
    else this.#pumping = false;
  }

  #runAhead(): void {
    const ahead = this.#ahead;
    this.#ahead = [];
    for (const work of ahead) work();
  }
}

/** The turns of this process's event loop. */
export const turns = new Turns();
