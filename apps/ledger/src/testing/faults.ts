import { AffiantError } from '#errors';

/** What happens to one call of a port. */
export type Fault =
  /** The error comes and nothing was done. */
  | 'lost'
  /** The error comes although it was done. */
  | 'applied'
  /** It is done twice, as by a client that sends again after the first answer was lost; the second answer counts. */
  | 'twice'
  /** No answer in time, which is an error to whoever asked; it is done nevertheless, only when the same is asked for again, or never again. */
  | 'late'
  /** The process dies before it is done; nothing of it is heard again. */
  | 'killed'
  /** The process dies right after it was done. */
  | 'killed-applied'
  /** The process dies in the middle: only the first half of a list was done. */
  | 'killed-first-half'
  /** The same, but the second half was done: possible where parts of a list go different ways. */
  | 'killed-second-half';

/** Decides the fate of the `count`-th call (from 1) of `method`; undefined = it just works. */
export type FaultPlan = (method: string, count: number) => Fault | undefined;

/** Wraps ports of one process so that calls fail as planned. Calls of a dead process never return. */
export class FaultyProcess {
  readonly #counts = new Map<string, number>();
  /** What was not answered and is under way still, by method. */
  readonly #late = new Map<string, () => Promise<unknown>>();
  #dead = false;
  #die: () => void = () => undefined;
  /** Resolves when the plan has killed the process. */
  readonly died = new Promise<void>((resolve) => {
    this.#die = resolve;
  });

  constructor(private readonly plan: FaultPlan) {}

  wrap<T extends object>(name: string, port: T): T {
    return new Proxy(port, {
      get: (target, property) => {
        const member: unknown = Reflect.get(target, property, target);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) =>
          this.#call(`${name}.${String(property)}`, async (change) => Reflect.apply(member, target, change(args)) as unknown);
      },
    });
  }

  /** What is still under way arrives, whoever has ended meanwhile. */
  async arrive(method?: string): Promise<void> {
    for (const [name, apply] of this.#late) {
      if (method !== undefined && name !== method) continue;
      this.#late.delete(name);
      // Nobody hears of it any more, also when it is refused.
      await apply().catch(() => undefined);
    }
  }

  kill(): void {
    this.#dead = true;
    this.#die();
  }

  async #call(method: string, apply: (change: (args: unknown[]) => unknown[]) => Promise<unknown>): Promise<unknown> {
    if (this.#dead) return new Promise(() => undefined);
    const count = (this.#counts.get(method) ?? 0) + 1;
    this.#counts.set(method, count);
    const fault = this.plan(method, count);
    await this.arrive(method);
    if (fault === undefined) return apply(whole);
    if (fault === 'applied' || fault === 'killed-applied') await apply(whole);
    if (fault === 'killed-first-half') await apply(firstHalf);
    if (fault === 'killed-second-half') await apply(secondHalf);
    if (fault === 'twice') {
      await apply(whole);
      return apply(whole);
    }
    if (fault === 'late') this.#late.set(method, () => apply(whole));
    if (fault === 'lost' || fault === 'applied' || fault === 'late')
      throw new AffiantError('engine_failed', `planned failure of ${method}`);
    this.kill();
    return new Promise(() => undefined);
  }
}

const whole = (args: unknown[]): unknown[] => args;
const firstHalf = (args: unknown[]): unknown[] => args.map((arg) => (Array.isArray(arg) ? arg.slice(0, Math.ceil(arg.length / 2)) : arg));
const secondHalf = (args: unknown[]): unknown[] => args.map((arg) => (Array.isArray(arg) ? arg.slice(Math.floor(arg.length / 2)) : arg));
