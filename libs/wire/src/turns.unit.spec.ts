import { describe, expect, it } from 'vitest';
import { Slices } from './slices.js';
import { Turns } from './turns.js';

/** An event loop of our own: what is queued in one turn runs in the next, in order, with promises settled between. */
class Loop {
  #queued: (() => void)[] = [];
  readonly turns = new Turns((work) => void this.#queued.push(work));

  get isIdle(): boolean {
    return this.#queued.length === 0;
  }

  async turn(): Promise<void> {
    const now = this.#queued;
    this.#queued = [];
    for (const work of now) {
      work();
      // As Node does between two immediates: everything that promises wait for.
      await new Promise((resolve) => process.nextTick(resolve));
      await new Promise((resolve) => process.nextTick(resolve));
    }
  }
}

describe('turns of the event loop', () => {
  it('gives one piece of large work a turn, in the order of asking', async () => {
    const loop = new Loop();
    const ran: string[] = [];
    for (const name of ['a', 'b', 'c']) loop.turns.large(() => ran.push(name));
    await loop.turn();
    expect(ran).toEqual(['a']);
    loop.turns.large(() => ran.push('d'));
    await loop.turn();
    expect(ran).toEqual(['a', 'b']);
    await loop.turn();
    await loop.turn();
    expect(ran).toEqual(['a', 'b', 'c', 'd']);
    expect(loop.isIdle).toBe(true);
  });

  it('lets what small calls wait for go ahead of large work that was queued before it, with all its promises', async () => {
    const loop = new Loop();
    const ran: string[] = [];
    loop.turns.large(() => ran.push('large'));
    const commit = new Promise<void>((resolve) => loop.turns.soon(resolve)).then(() => ran.push('frame')).then(() => ran.push('write'));
    await loop.turn();
    expect(ran).toEqual(['frame', 'write']);
    await commit;
    await loop.turn();
    expect(ran).toEqual(['frame', 'write', 'large']);
    expect(loop.isIdle).toBe(true);
  });

  it('starves no large work, however often something goes ahead', async () => {
    const loop = new Loop();
    let large = 0;
    let ahead = 0;
    const again = (): void => {
      large += 1;
      loop.turns.large(again);
    };
    loop.turns.large(again);
    for (let turn = 0; turn < 10; turn += 1) {
      loop.turns.soon(() => (ahead += 1));
      await loop.turn();
    }
    expect(ahead).toBe(10);
    expect(large).toBe(5);
  });

  it('runs each work that goes ahead once, without large work too', async () => {
    const loop = new Loop();
    const ran: string[] = [];
    loop.turns.soon(() => {
      ran.push('a');
      loop.turns.soon(() => ran.push('c'));
    });
    loop.turns.soon(() => ran.push('b'));
    await loop.turn();
    expect(ran).toEqual(['a', 'b']);
    await loop.turn();
    expect(ran).toEqual(['a', 'b', 'c']);
    expect(loop.isIdle).toBe(true);
  });

  it('is crowded while a small call is under way, each counted once', () => {
    const { turns } = new Loop();
    expect(turns.crowded).toBe(false);
    const first = turns.small();
    const second = turns.small();
    first();
    first();
    expect(turns.crowded).toBe(true);
    second();
    expect(turns.crowded).toBe(false);
  });

  it('hands a waiting slice its turn with a new budget', async () => {
    const loop = new Loop();
    const slices = new Slices(0, loop.turns);
    expect(slices.spent).toBe(true);
    let went = false;
    const waiting = slices.turn().then(() => (went = true));
    expect(went).toBe(false);
    await loop.turn();
    await waiting;
    expect(went).toBe(true);
  });
});
