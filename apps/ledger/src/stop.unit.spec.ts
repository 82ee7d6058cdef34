import { describe, expect, it, vi } from 'vitest';
import { LedgerService } from './ledger-service.js';
import { World } from './testing/world.js';

/** A service whose engine hangs from the first call of `method` on. */
async function hanging(world: World, method: string) {
  let reached = (): void => undefined;
  const hung = new Promise<void>((resolve) => (reached = resolve));
  const ports = world.ports();
  const hang = (called: string): void => {
    if (called === method) reached();
  };
  const store = new Proxy(world.store, {
    get: (target, property) => {
      const member: unknown = Reflect.get(target, property, target);
      if (`store.${String(property)}` !== method) return typeof member === 'function' ? member.bind(target) : member;
      return () => {
        hang(method);
        return new Promise(() => undefined);
      };
    },
  });
  const service = new LedgerService({ ...ports, store });
  await service.open();
  const subscriptions = await Promise.all(service.consumers().map(({ options, onBatch }) => ports.eventLog.subscribe(options, onBatch)));
  return { service, subscriptions, hung };
}

describe('a stop', () => {
  it.each(['store.appendEvents', 'store.appendLeaves'])(
    'does not wait for ever while %s hangs, and the next start goes on',
    async (method) => {
      const world = new World();
      await world.events(5);
      const { service, subscriptions, hung } = await hanging(world, method);
      await hung;
      vi.useFakeTimers({ toFake: ['setTimeout'] });
      service.stop();
      vi.advanceTimersByTime(5_000);
      vi.useRealTimers();
      await Promise.all(subscriptions.map((subscription) => subscription.stop()));
      await service.finished();
      expect(service.halted).toBeNull();
      await world.runUntilQuiet();
      expect(await world.faults()).toEqual([]);
    },
  );
});
