import { setImmediate } from 'node:timers/promises';
import { AffiantError } from '#errors';
import type { Topic } from '#events';
import type { BatchHandler, Committed, EventLog, LogBatch, LogRecord, SubscribeOptions, Subscription } from '#event-log';

/** A partition in the hands of a member, until the next rebalance. */
interface Reading {
  readonly stop: AbortController;
  /** A commit counts only once a batch came out of this reading: what an earlier one began must not slip in. */
  begun: boolean;
}

/** One consumer of a group, from joining to leaving. */
interface Member {
  readonly options: SubscribeOptions;
  readonly onBatch: BatchHandler;
  readonly fail: (error: unknown) => void;
  readonly serving: Map<string, Reading>;
}

/**
 * A broker in memory: partitions `topic/number` with many sources each, offsets with holes, and groups whose partitions move between members.
 * What a member began before a rebalance runs on, as in a process that does not know yet; its commits are refused. Survives its clients.
 */
export class MemoryBroker {
  readonly partitions = new Map<string, LogRecord[]>();
  readonly #next = new Map<string, number>();
  readonly #committed = new Map<string, Map<string, Committed>>();
  readonly #members = new Map<string, Member[]>();
  readonly #wakers = new Set<() => void>();

  /** Appends a record; `hole` offsets before it are never given to anybody. */
  produce(topic: Topic, number: number, value: Buffer, hole = 0): number {
    const partition = `${topic}/${number}`;
    const offset = (this.#next.get(partition) ?? 0) + hole;
    this.#next.set(partition, offset + 1);
    const records = this.partitions.get(partition);
    const record = { topic, partition, offset, value };
    if (records === undefined) this.partitions.set(partition, [record]);
    else records.push(record);
    if (records === undefined) for (const group of this.#members.keys()) this.#rebalance(group, false);
    for (const wake of this.#wakers) wake();
    return offset;
  }

  /** As a process sees it: commits count only for partitions its own members have. */
  connect(): EventLog {
    const own = new Set<Member>();
    return {
      subscribe: async (options, onBatch) => this.#join(options, onBatch, own),
      commit: async (group, partition, offset, metadata = null) => {
        if (![...own].some((member) => member.serving.get(partition)?.begun === true && member.options.group === group)) {
          throw new AffiantError('conflict', `${partition} is read by another member`);
        }
        if (metadata !== null && Buffer.byteLength(metadata) > 4_000)
          throw new AffiantError('event_log_failed', 'the metadata is too long');
        this.#positions(group).set(partition, { offset, metadata });
      },
      committed: async (group) => new Map(this.#positions(group)),
      lag: async (group) => {
        const positions = this.#positions(group);
        return new Map([...this.#next].map(([partition, next]) => [partition, next - (positions.get(partition)?.offset ?? 0)]));
      },
      close: async () => {
        for (const member of own) this.#leave(member);
      },
    };
  }

  committed(group: string): ReadonlyMap<string, Committed> {
    return this.#positions(group);
  }

  /** As if the group had never committed. */
  forget(group: string): void {
    this.#committed.delete(group);
  }

  /** Hands every partition of the group to somebody anew, as if the order of the members had changed. */
  rebalance(group: string): void {
    this.#members.get(group)?.reverse();
    this.#rebalance(group, true);
  }

  #positions(group: string): Map<string, Committed> {
    let positions = this.#committed.get(group);
    if (positions === undefined) this.#committed.set(group, (positions = new Map()));
    return positions;
  }

  #join(options: SubscribeOptions, onBatch: BatchHandler, own: Set<Member>): Subscription {
    let fail: (error: unknown) => void = () => undefined;
    const failed = new Promise<never>((_, reject) => (fail = reject));
    failed.catch(() => undefined);
    const member: Member = { options, onBatch, fail, serving: new Map() };
    own.add(member);
    this.#members.set(options.group, [...(this.#members.get(options.group) ?? []), member]);
    this.#rebalance(options.group, true);
    return { failed, stop: async () => this.#leave(member) };
  }

  /** The process is gone: its partitions go to the others. What it had in hand may still be running, and is refused. */
  #leave(member: Member): void {
    const { group } = member.options;
    const members = this.#members.get(group) ?? [];
    if (!members.includes(member)) return;
    this.#members.set(
      group,
      members.filter((one) => one !== member),
    );
    for (const { stop } of member.serving.values()) stop.abort();
    member.serving.clear();
    this.#rebalance(group, true);
  }

  #rebalance(group: string, everything: boolean): void {
    const members = this.#members.get(group) ?? [];
    const owned = new Set(everything ? [] : members.flatMap((member) => [...member.serving.keys()]));
    if (everything) {
      for (const { serving } of members) {
        for (const { stop } of serving.values()) stop.abort();
        serving.clear();
      }
    }
    if (members.length === 0) return;
    const partitions = [...this.partitions.keys()].sort().filter((partition) => !owned.has(partition));
    partitions.forEach((partition, index) => {
      const member = members[index % members.length]!;
      const reading = { stop: new AbortController(), begun: false };
      member.serving.set(partition, reading);
      this.#serve(partition, member, reading).catch((error: unknown) => member.fail(error));
    });
  }

  async #serve(partition: string, { options, onBatch }: Member, reading: Reading): Promise<void> {
    const { signal } = reading.stop;
    const start = this.#positions(options.group).get(partition) ?? null;
    let assigned: LogBatch['assigned'] = { committed: start };
    let next = start?.offset ?? 0;
    let cut = start === null || start.metadata === null ? null : (options.replayTo?.(start) ?? null);
    for (;;) {
      if (signal.aborted) return;
      const waiting = this.partitions.get(partition)!.filter(({ offset }) => offset >= next && offset <= (cut ?? Infinity));
      const records = cut === null ? waiting.slice(0, options.maxBatchRecords) : waiting;
      if (records.length === 0) {
        await this.#more(signal);
        continue;
      }
      const lastOffset = records.at(-1)!.offset;
      const first = assigned === undefined ? {} : { assigned };
      cut = null;
      assigned = undefined;
      next = lastOffset + 1;
      for (let turns = 0; turns < 2; turns += 1) await setImmediate();
      if (signal.aborted) return;
      reading.begun = true;
      await onBatch({ partition, records, firstOffset: records[0]!.offset, lastOffset, ...first });
    }
  }

  async #more(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        this.#wakers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#wakers.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}
