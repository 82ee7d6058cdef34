import { isDeepStrictEqual } from 'node:util';
import { AffiantError } from '#errors';
import type { LogBatch } from '#event-log';
import { signCheckpoint, type Extension, type RoundManifest, type SealedState, TreeEdge } from '#tlog';
import type { Handover } from '../handover.js';
import { appendRound } from '../append/append-round.js';
import { GROUPS, type LedgerPorts } from '../ports.js';
import type { EventReader } from '../read-event.js';
import { publish } from '../seal/publish.js';
import { isConflict, untilDone, type RetryOptions } from '../retry.js';
import type { Cut } from './backlog.js';
import { Changes } from './changes.js';
import { Reading } from './reading.js';
import { GENESIS, loadSealedEdge, sealedAfter } from './sealed-state.js';

/** Records of our own journal read at once. */
const OWN_READ = 1_000;

/**
 * Somebody else has moved the sealed state: this sequencer must not go on from what it remembers. A contradiction where there can be but one
 * sequencer; where candidates take turns, the one that comes second.
 */
export class Superseded extends AffiantError {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super('ledger_conflict', message, options);
  }
}

/** Keys that may have signed what is stored: a retired one too, when it was the last to sign. */
const vkeysOf = ({ signer, keys }: LedgerPorts): readonly string[] => keys?.vkeys ?? [signer.vkey];

/** The one writer of the tree. */
export class Sequencer {
  /** What the checkpoint store may hold after a failed swap. */
  #attempted: SealedState | null;
  #edge = TreeEdge.empty;
  /** False until memory is known to match what is stored, at start and after any failure. */
  #settled = false;

  private constructor(
    private readonly ports: LedgerPorts,
    private readonly maxRoundLeaves: number,
    private readonly changes: Changes,
    private readonly reading: Reading,
    /** What the checkpoint store holds as far as we know. */
    private stored: SealedState | null,
    /** partition -> offset committed in the event log. */
    private readonly committed: Map<string, number>,
  ) {
    this.#attempted = stored;
  }

  /** Reads where it stands; subscribe afterwards. @throws AffiantError ledger_conflict, Stopped */
  static async open(
    ports: LedgerPorts,
    reader: EventReader,
    handover: Handover | null,
    maxRoundLeaves: number,
    retry: RetryOptions,
    stopping: AbortSignal,
  ): Promise<Sequencer> {
    return untilDone(
      'load the sealed state',
      async () => {
        const stored = await ports.checkpoints.fetch();
        const sealed = stored ?? GENESIS;
        const committed = new Map<string, number>();
        for (const [partition, { offset }] of await ports.eventLog.committed(GROUPS.sequencer)) {
          committed.set(partition, offset);
          // Offsets are committed after sealing: being ahead means that the sealed state is lost or was restored from an old copy.
          if (offset > (sealed.offsets[partition] ?? 0)) {
            throw new AffiantError('ledger_conflict', 'the sealed state is older than what was sealed', { where: partition });
          }
        }
        const told = await ports.store.lastCheckpoint();
        if (told !== null && (told.round > sealed.round || (told.round === sealed.round && told.root_hash !== sealed.root_hash))) {
          throw new AffiantError('ledger_conflict', 'the sealed state is older than what was sealed', { where: `round ${told.round}` });
        }
        const changes = new Changes(stopping);
        const reading = new Reading(sealed, reader, handover, ports.recorder.sourceId, changes, maxRoundLeaves);
        return new Sequencer(ports, maxRoundLeaves, changes, reading, stored, committed);
      },
      retry,
    );
  }

  get sealed(): SealedState {
    return this.stored ?? GENESIS;
  }

  /** Takes a batch of the event log into the backlog, when there is room. @throws AffiantError ledger_conflict, Stopped */
  read(batch: LogBatch): Promise<void> {
    return this.reading.take(batch);
  }

  /** The ingest of this process got so far; another process's is asked for at each round. */
  ingested(partition: string, next: number): void {
    this.reading.ingested([[partition, next]]);
  }

  /** True when everything the ingest has made queryable is sealed and told of. */
  async idle(): Promise<boolean> {
    const ingested = await this.ports.eventLog.committed(GROUPS.ingest);
    return this.#settled && this.reading.has(ingested) && this.reading.backlog.cut(ingested).leaves === 0;
  }

  /**
   * Seals what the ingest has made queryable, if there is any. After any failure it first finds out what the failure left behind.
   * @returns true when a round was full, so that the next should not wait.
   * @throws AffiantError ledger_conflict (halt); anything else may be tried again by calling this again. Stopped
   */
  async round(): Promise<boolean> {
    if (!this.#settled) await this.#recover();
    this.#settled = false;
    const ingested = await this.ports.eventLog.committed(GROUPS.ingest);
    this.reading.ingested([...ingested].map(([partition, { offset }]) => [partition, offset] as const));
    const cut = this.reading.backlog.cut(ingested);
    if (cut.leaves > 0) await this.#seal(cut);
    this.#settled = true;
    return cut.leaves >= this.maxRoundLeaves / 2;
  }

  async #seal(cut: Cut): Promise<void> {
    const extension = this.#extend(cut);
    const { round, tree_size } = this.sealed;
    const manifest: RoundManifest = {
      round: round + 1,
      base_size: tree_size,
      new_size: extension.edge.size,
      new_root: extension.edge.root().toString('hex'),
      ranges: cut.ranges,
      sealed_at: this.ports.clock.nowUs(),
    };
    await this.#swap({ ...this.sealed, open: manifest });
    // A crash here leaves an open round without data: the restart reads the ranges again and carries it out.
    await this.#carryOut(manifest, cut, extension);
  }

  /** The second half of a round, the same for a fresh one and for one a crash left open. */
  async #carryOut(manifest: RoundManifest, cut: Cut, extension: Extension): Promise<void> {
    const { signer, keys } = this.ports;
    await appendRound(this.ports, manifest, cut, extension);
    // A crash here leaves data that no signed checkpoint covers: the restart writes the same bytes again.
    const note = await signCheckpoint(
      { origin: signer.name, size: manifest.new_size, root: extension.edge.root() },
      keys?.signers ?? [signer],
    );
    await this.#swap(sealedAfter(this.sealed, manifest, cut, note));
    // THE commit point. A crash here leaves a sealed round that nobody was told of: the restart publishes it.
    this.#edge = extension.edge;
    this.reading.dropSealed(this.sealed);
    await this.#publish();
    await this.ports.tiles.prune(extension.superseded);
  }

  /** Makes memory match what is stored, publishes what was sealed but not told, finishes an open round. */
  async #recover(): Promise<void> {
    const stored = await this.ports.checkpoints.fetch();
    if (!isDeepStrictEqual(stored, this.stored) && !isDeepStrictEqual(stored, this.#attempted)) {
      throw new Superseded('another sequencer has changed the sealed state');
    }
    this.stored = stored;
    this.#attempted = stored;
    this.#edge = await loadSealedEdge(this.sealed, this.ports.tiles, this.ports.signer.name, vkeysOf(this.ports));
    this.reading.dropSealed(this.sealed);
    if (this.sealed.round > 0) {
      await this.#catchUp();
      await this.#publish();
    }
    const { open } = this.sealed;
    if (open === null) return;
    for (const { partition, to } of open.ranges) await this.reading.reach(partition, to + 1);
    const cut = await this.changes.until(() => this.reading.backlog.recut(open));
    const extension = this.#extend(cut);
    if (extension.edge.size !== open.new_size || extension.edge.root().toString('hex') !== open.new_root) {
      throw new AffiantError('ledger_conflict', 'the event log gives other events than when the round was opened', {
        where: `round ${open.round}`,
      });
    }
    await this.#carryOut(open, cut, extension);
  }

  /**
   * Reads our own source to its durable end, and what was sealed but perhaps not told of:
   * after that, what is not in `told` was never recorded, because only this process writes our source.
   */
  async #catchUp(): Promise<void> {
    const { eventLog, recorder, ownLog } = this.ports;
    if (ownLog !== undefined) await this.#hearOwn(ownLog);
    const committed = await eventLog.committed(GROUPS.sequencer);
    for (const [partition, waiting] of await eventLog.lag(GROUPS.sequencer)) {
      if (waiting === 0) continue;
      const base = committed.get(partition)?.offset ?? (await this.changes.until(() => this.reading.first(partition)));
      const end = base + waiting;
      const own = partition === recorder.sourceId && ownLog === undefined;
      await this.reading.reach(partition, own ? end : Math.min(end, this.sealed.offsets[partition] ?? 0));
    }
  }

  /**
   * Reads what our own source has told from its journal, where it is durable at once; through the broker it comes later, or after we have asked.
   * What a sealed round tells comes behind its frontier, so nothing that matters is trimmed. On another host the source is another one: the
   * last round may then be told of a second time, by a second source, which says the same.
   */
  async #hearOwn(ownLog: NonNullable<LedgerPorts['ownLog']>): Promise<void> {
    const { sourceId } = this.ports.recorder;
    const own = (await ownLog.partitions()).find(({ partition }) => partition === sourceId);
    if (own === undefined) return;
    for (let next = Math.max(own.firstOffset, (this.sealed.frontiers[sourceId] ?? 0) + 1); next < own.nextOffset;) {
      const records = await ownLog.read(sourceId, next, OWN_READ);
      if (records.length === 0) throw new AffiantError('event_log_failed', 'our own journal ends early', { where: `${sourceId} ${next}` });
      for (const record of records) this.reading.hear(record);
      next = records.at(-1)!.offset + 1;
    }
  }

  /** Tells the world of the sealed round; idempotent after `#catchUp`. */
  async #publish(): Promise<void> {
    await publish(this.ports, this.sealed, this.reading.dead, this.reading.told);
    // Only now may the log forget what the round was made of: until here a restart reads it again.
    const moved = Object.entries(this.sealed.offsets).filter(([partition, offset]) => this.committed.get(partition) !== offset);
    await Promise.all(moved.map(([partition, offset]) => this.ports.eventLog.commit(GROUPS.sequencer, partition, offset, null)));
    for (const [partition, offset] of moved) this.committed.set(partition, offset);
    this.reading.forgetTold();
  }

  async #swap(state: SealedState): Promise<void> {
    this.#attempted = state;
    await this.ports.checkpoints.replace(this.stored, state).catch((cause: unknown) => {
      throw isConflict(cause) ? new Superseded('the sealed state was changed by someone else', { cause }) : cause;
    });
    this.stored = state;
  }

  #extend(cut: Cut): Extension {
    return this.#edge.extend(cut.events.flatMap((event) => event.leaf ?? []));
  }
}
