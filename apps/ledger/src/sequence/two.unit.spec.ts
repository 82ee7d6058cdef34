import { describe, expect, it } from 'vitest';
import { LedgerService } from '../ledger-service.js';
import type { Leadership, LedgerPorts, Term } from '../ports.js';
import { BrokerWorld } from '../testing/broker-world.js';
import type { FaultPlan } from '../testing/faults.js';

const SMALL = { maxBatchRecords: 4, maxRoundLeaves: 6 };

/** An authority that gives the lead to one after another, and can take it away; `everybody` gives it to all at once, as a broken one would. */
class Lead implements Leadership {
  readonly terms: AbortController[] = [];
  readonly #waiting: (() => void)[] = [];
  #led = false;

  constructor(private readonly everybody = false) {}

  async acquire(signal: AbortSignal): Promise<Term> {
    while (this.#led && !this.everybody) {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    signal.throwIfAborted();
    this.#led = true;
    const lost = new AbortController();
    this.terms.push(lost);
    return { lost: lost.signal, release: async () => this.#pass() };
  }

  /** Takes the lead from whoever has it. */
  take(): void {
    this.terms.at(-1)?.abort();
  }

  #pass(): void {
    this.#led = false;
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

async function start(world: BrokerWorld, leadership: Leadership, plan?: FaultPlan) {
  const made = world.ports(plan, SMALL);
  const ports: LedgerPorts = { ...made, leadership };
  const service = new LedgerService(ports);
  await service.open();
  const subscriptions = await Promise.all(
    service.consumers().map(({ eventLog, options, onBatch }) => eventLog.subscribe(options, onBatch)),
  );
  const stop = async (): Promise<void> => {
    service.stop();
    await Promise.race([Promise.all(subscriptions.map((one) => one.stop())).then(() => service.finished()), made.process.died]);
    made.process.kill();
  };
  return { service, stop };
}

async function filled(): Promise<BrokerWorld> {
  const world = new BrokerWorld();
  world.shipByItself();
  await world.events(12);
  await world.events(7, world.other);
  return world;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let turns = 0; turns < 20_000; turns += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('it did not come true');
}

const sealed = async (world: BrokerWorld): Promise<number> => (await world.checkpoints.fetch())?.round ?? 0;
const sealedTo = async (world: BrokerWorld): Promise<number> => (await world.checkpoints.fetch())?.frontiers['gateway'] ?? 0;

describe('two candidates', () => {
  it('one leads; when it loses the lead the other goes on, and back', async () => {
    const world = await filled();
    const lead = new Lead();
    const both = [await start(world, lead), await start(world, lead)];
    for (let turn = 1; turn <= 4; turn += 1) {
      const round = await sealed(world);
      await world.events(5);
      await until(async () => (await sealed(world)) > round);
      const leaders = (await Promise.all(both.map(({ service }) => service.health()))).filter(({ leader }) => leader);
      expect(leaders.length).toBeLessThanOrEqual(1);
      const terms = lead.terms.length;
      lead.take();
      await until(() => lead.terms.length > terms);
    }
    expect(both.map(({ service }) => service.halted)).toEqual([null, null]);
    await Promise.all(both.map(({ stop }) => stop()));
    await world.runUntilQuiet(undefined, SMALL);
    expect(await world.faults()).toEqual([]);
  });

  it.each(['checkpoints.replace', 'store.appendLeaves', 'tiles.put', 'recorder.record', 'events.readEvents'])(
    'the lead is lost while %s is under way',
    async (method) => {
      for (const call of [1, 2, 3]) {
        const world = await filled();
        const lead = new Lead();
        const plan: FaultPlan = (called, count) => {
          if (called === method && count === call) lead.take();
          return undefined;
        };
        const both = [await start(world, lead, plan), await start(world, lead)];
        await until(async () => (await sealedTo(world)) >= 12);
        expect(both.map(({ service }) => service.halted)).toEqual([null, null]);
        await Promise.all(both.map(({ stop }) => stop()));
        await world.runUntilQuiet(undefined, SMALL);
        expect(await world.faults()).toEqual([]);
      }
    },
  );

  it('nothing forks when both believe that they lead: the swap refuses one, which steps down and begins again', async () => {
    for (let run = 0; run < 10; run += 1) {
      const world = await filled();
      const lead = new Lead(true);
      const both = [await start(world, lead), await start(world, lead)];
      await until(async () => (await sealedTo(world)) >= 12);
      await world.events(9);
      await until(async () => (await sealedTo(world)) >= 21);
      expect(lead.terms.length).toBeGreaterThan(1);
      expect(both.map(({ service }) => service.halted)).toEqual([null, null]);
      await Promise.all(both.map(({ stop }) => stop()));
      await world.runUntilQuiet(undefined, SMALL);
      // Two that publish at once may tell of a round twice; what they tell is the same.
      expect((await world.faults()).filter((fault) => !fault.startsWith('checkpoint events of rounds'))).toEqual([]);
    }
  });
});
