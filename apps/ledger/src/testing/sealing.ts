import { setImmediate } from 'node:timers/promises';
import { ALL_TOPICS, SystemClock, type Clock } from '#events';
import type { LogBatch, Subscription } from '#event-log';
import { GROUPS, type LedgerPorts } from '../ports.js';
import { EventReader } from '../read-event.js';
import { buildRow } from '../ingest/build-row.js';
import { isConflict } from '../retry.js';
import { Sequencer } from '../sequence/sequencer.js';
import type { FaultPlan, FaultyProcess } from './faults.js';
import { World, type WorldStores } from './world.js';

/** More than any phase has: one phase is one round, so that a disturbed run can be compared byte by byte with an undisturbed one. */
const ROUND = 4_096;
const TURNS = 100_000;

type ChangePorts = (ports: LedgerPorts, process: FaultyProcess) => Partial<LedgerPorts>;

/** The sealing path alone, in phases: what is durable when a phase begins is sealed in one round of it. */
export class Sealing {
  readonly world: World;
  #phase = 0;

  constructor(
    private readonly change: ChangePorts = () => ({}),
    stores?: WorldStores,
  ) {
    this.world = new World(stores);
  }

  /**
   * Seals what the log holds now. `plan` is the fate of the first process; whoever dies or halts is followed by one that works.
   * @returns how many processes it took
   */
  async seal(plan?: FaultPlan): Promise<number> {
    this.#phase += 1;
    const ends = new Map([...this.world.log.partitions].map(([partition, records]) => [partition, records.length + 1]));
    await this.#ingest();
    for (let lives = 1; lives <= 3; lives += 1) if (await this.#live(ends, lives === 1 ? plan : undefined)) return lives;
    throw new Error('it did not come to rest');
  }

  /** As the ingest leaves it: rows there, offsets committed. What it does itself has a matrix of its own. */
  async #ingest(): Promise<void> {
    const { log, store, codec } = this.world;
    const reader = new EventReader(codec);
    const done = await log.committed(GROUPS.ingest);
    for (const [partition, records] of log.partitions) {
      const rows = records.slice((done.get(partition)?.offset ?? 1) - 1).map((record) => buildRow(record, reader.read(record), 0));
      await store.appendEvents(`phase ${this.#phase} ${partition}`, rows);
      await log.commit(GROUPS.ingest, partition, records.length + 1);
    }
  }

  /** True when everything was sealed and told. */
  async #live(ends: ReadonlyMap<string, number>, plan?: FaultPlan): Promise<boolean> {
    const made = this.world.ports(plan);
    const { process } = made;
    const ports: LedgerPorts = { ...made, clock: this.#clock(), ...this.change(made, process) };
    const stopping = new AbortController();
    let subscription: Subscription | undefined;
    const work = async (): Promise<boolean> => {
      const pause = async (): Promise<void> => void (await setImmediate());
      const retry = { signal: stopping.signal, pause, logger: ports.logger };
      const sequencer = await Sequencer.open(ports, new EventReader(ports.codec), null, ROUND, retry, stopping.signal);
      sequencerIngested(sequencer, ends);
      const read = new Map<string, number>();
      const onBatch = async (batch: LogBatch): Promise<void> => {
        await sequencer.read(batch);
        read.set(batch.partition, batch.lastOffset + 1);
      };
      // One record at a time, so that it is known what a round can hold.
      const options = { group: GROUPS.sequencer, topics: ALL_TOPICS, maxBatchRecords: 1, maxBatchBytes: 1 << 20 };
      subscription = await this.world.log.subscribe(options, onBatch);
      const committed = await this.world.log.committed(GROUPS.sequencer);
      const isRead = ([partition, end]: readonly [string, number]): boolean =>
        (read.get(partition) ?? committed.get(partition)?.offset ?? 1) >= end;
      for (let turn = 0; ![...ends].every(isRead); turn += 1) {
        if (turn > TURNS) throw new Error('the log is not read');
        await setImmediate();
      }
      for (let attempt = 0; attempt < 20; attempt += 1) {
        try {
          await sequencer.round();
          return await sequencer.idle();
        } catch (error) {
          // A halt, as far as this process goes; anything else is tried again.
          if (isConflict(error)) return false;
        }
      }
      return false;
    };
    const ended = await Promise.race([work(), process.died.then(() => false)]);
    process.kill();
    stopping.abort();
    await process.arrive();
    await subscription?.stop();
    return ended;
  }

  /** Everything that outlives the processes, in a form that can be compared. */
  async outcome(): Promise<{ readonly kept: object; readonly tiles: ReadonlyMap<string, string> }> {
    const { store, tiles, checkpoints, log } = this.world;
    await tiles.look?.();
    const rows = [...store.leaves].sort((a, b) => a.leaf_index - b.leaf_index);
    const kept = {
      sealed: await checkpoints.fetch(),
      note: tiles.checkpoint,
      leaves: rows.map((row) => ({ ...row, leaf: row.leaf.toString('hex'), leaf_hash: row.leaf_hash.toString('hex') })),
      checkpoints: [...store.checkpoints].sort((a, b) => a.round - b.round),
      own: log.partitions.get('ledger')?.map(({ value }) => value.toString('hex')),
      positions: [...(await log.committed(GROUPS.sequencer))].sort(),
      violations: store.violations,
    };
    return { kept, tiles: new Map([...tiles.tiles].map(([path, bytes]) => [path, bytes.toString('hex')])) };
  }

  /** Stands still within a phase: the time of a round is part of what is compared. */
  #clock(): Clock {
    const nowMs = 1_790_000_000_000 + this.#phase * 1_000;
    return Object.assign(new SystemClock(), { nowMs: () => nowMs, nowUs: () => nowMs * 1_000 });
  }
}

function sequencerIngested(sequencer: Sequencer, ends: ReadonlyMap<string, number>): void {
  for (const [partition, end] of ends) sequencer.ingested(partition, end);
}
