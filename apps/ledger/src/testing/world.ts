import { generateKeyPairSync, sign } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { EventCodec, SystemClock, TOPICS, type Control, type EventDraft } from '#events';
import type { EventRow } from '#ledger-store';
import { buildRow } from '../ingest/build-row.js';
import type { LogRecord, Subscription } from '#event-log';
import type { Logger } from '#observability';
import { formatVkey, type Signer } from '#signing';
import {
  decodeLeaf,
  MemoryCheckpointStore,
  MemoryTileStore,
  openCheckpoint,
  recomputeRoot,
  TileTree,
  type CheckpointStore,
  type TileStore,
} from '#tlog';
import { LedgerService } from '../ledger-service.js';
import type { LedgerOptions, LedgerPorts } from '../ports.js';
import type { OwnWords } from '../testify/own-words.js';
import { EventReader } from '../read-event.js';
import { FaultyProcess, type FaultPlan } from './faults.js';
import { MemoryEventLog } from './memory-event-log.js';
import { MemoryLedgerStore } from './memory-ledger-store.js';
import { MemoryRecorder } from './memory-recorder.js';
import { MemoryTrail } from './memory-trail.js';

const bundled = new EventCodec();
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const rawKey = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
const signer: Signer = {
  name: 'affiant.test/ledger',
  publicKey: rawKey,
  vkey: formatVkey('affiant.test/ledger', rawKey),
  sign: async (message) => sign(null, message, privateKey),
};

const silent = { debug() {}, info() {}, warn() {}, error() {}, fatal() {}, child: () => silent } as unknown as Logger;

/** A tile store that a test can look into. */
export interface OpenTileStore extends TileStore {
  readonly tiles: Map<string, Buffer>;
  readonly checkpoint: string | null;
  /** Reads `tiles` and `checkpoint` anew, where they are not the store itself. */
  readonly look?: () => Promise<void>;
}

/** What a world writes to; in memory unless a test brings real adapters. */
export interface WorldStores {
  readonly tiles: OpenTileStore;
  readonly checkpoints: CheckpointStore;
}

/** Everything that outlives a process of the ledger, and processes over it. */
export class World {
  /** Of the processes that are started from now on, and of those who look at what they did: a test may upgrade it. */
  codec: EventCodec = bundled;
  readonly signer = signer;
  /** What signs in place of `signer`, while keys are rotated. */
  keys: LedgerPorts['keys'];
  readonly draft = controlDraft;
  readonly log = new MemoryEventLog();
  readonly store = new MemoryLedgerStore();
  readonly tiles: OpenTileStore;
  readonly checkpoints: CheckpointStore;
  readonly gateway = new MemoryRecorder(this.log, bundled, 'gateway');
  readonly other = new MemoryRecorder(this.log, bundled, 'other');
  readonly ledger = new MemoryRecorder(this.log, bundled, 'ledger');
  /** What it testifies of its sources from; a process gets it only when it is handed in, with `words`. */
  readonly trail = new MemoryTrail(this.store);

  constructor(stores: WorldStores = { tiles: new MemoryTileStore(), checkpoints: new MemoryCheckpointStore() }) {
    this.tiles = stores.tiles;
    this.checkpoints = stores.checkpoints;
  }

  ports(plan: FaultPlan = () => undefined, options: Partial<LedgerOptions> = {}): LedgerPorts & { readonly process: FaultyProcess } {
    const process = new FaultyProcess(plan);
    return {
      process,
      eventLog: process.wrap('log', this.log),
      store: process.wrap('store', this.store),
      tiles: process.wrap('tiles', this.tiles),
      checkpoints: process.wrap('checkpoints', this.checkpoints),
      recorder: process.wrap('recorder', this.ledger),
      signer,
      ...(this.keys === undefined ? {} : { keys: this.keys }),
      codec: this.codec,
      clock: new SystemClock(),
      logger: silent,
      options: { checkpointInterval: 1, gather: 0, pause: yieldOnce, ...options },
    };
  }

  /** Runs a process until everything is sealed or the plan kills it; it is gone afterwards. */
  async runUntilQuiet(
    plan?: FaultPlan,
    options?: Partial<LedgerOptions>,
    change: Partial<LedgerPorts> = {},
  ): Promise<{ halted: string | null }> {
    const ports = { ...this.ports(plan, options), ...change };
    const { process } = ports;
    const service = new LedgerService(ports);
    const subscriptions: Subscription[] = [];
    try {
      await Promise.race([service.open(), process.died]);
      for (const { eventLog, options: group, onBatch } of service.consumers()) {
        const subscribed = await Promise.race([eventLog.subscribe(group, onBatch), process.died]);
        if (subscribed !== undefined) subscriptions.push(subscribed);
      }
    } catch {
      // It failed to start, loudly; the next one must find everything in order.
      process.kill();
    }
    await Promise.race([service.drain(20_000), process.died]);
    const { halted } = service;
    // A killed process leaves its promises hanging; a living one stops in order.
    service.stop();
    const ended = Promise.all(subscriptions.map((subscription) => subscription.stop())).then(() => service.finished());
    await Promise.race([ended, process.died]);
    process.kill();
    return { halted };
  }

  async events(count: number, recorder: MemoryRecorder = this.gateway): Promise<void> {
    await recorder.record(Array.from({ length: count }, (_, index) => controlDraft(`test.event ${index}`)));
  }

  /** Every record there ever was of what must be in the ledger, perhaps some of them twice. */
  records(): LogRecord[] {
    return [...this.log.partitions.values()].flat();
  }

  /** What the ledger's own source has told, decoded. */
  ownEvents(): Record<string, unknown>[] {
    return (this.log.partitions.get('ledger') ?? []).map(
      (record) => this.codec.decode(record.value).event as unknown as Record<string, unknown>,
    );
  }

  /** What it has testified, as the real port answers it; a process gets it only when it is handed in. */
  readonly words: OwnWords = {
    told: async (kinds) =>
      (this.ownEvents() as unknown as Control[])
        .filter(({ kind }) => kinds.includes(kind))
        .map(({ kind, subject, attributes }) => ({
          kind,
          subject: subject ?? '',
          attributes: Object.fromEntries(attributes.map(({ name, value }) => [name, value])),
        })),
  };

  /** A row as the ingest would build it from these bytes at that place. */
  rowOf(partition: string, offset: number, value: Buffer): EventRow {
    const record = { topic: TOPICS.control, partition, offset, value };
    return buildRow(record, new EventReader(this.codec).read(record), 0);
  }

  /** Everything that must hold in the end, whatever happened on the way. */
  async faults(): Promise<string[]> {
    const faults: string[] = [...this.store.violations];
    const reader = new EventReader(this.codec);
    const raw = this.records();
    const held = new Map(this.store.events.map((row) => [`${row.source_id} ${row.seq}`, row]));
    if (held.size !== this.store.events.length) faults.push('an event is there twice');
    const read = new Map(raw.map((record) => [keyOf(reader.read(record).event), reader.read(record).event]));
    for (const record of raw) {
      const key = keyOf(reader.read(record).event);
      if (held.get(key)?.raw.equals(record.value) !== true) faults.push(`${key} is lost`);
    }

    const expected = [...read.values()].filter((event) => event.type !== 'checkpoint');
    const leaves = [...this.store.leaves].sort((a, b) => a.leaf_index - b.leaf_index);
    if (leaves.some((row, index) => row.leaf_index !== index)) faults.push('leaf indexes are not dense');
    await this.tiles.look?.();
    const sealed = await this.checkpoints.fetch();
    if (sealed === null) return expected.length === 0 ? faults : [...faults, 'nothing is sealed'];
    if (sealed.open !== null) faults.push('a round is open');
    const head = openCheckpoint(sealed.note, [signer.vkey]);
    const tree = new TileTree(this.tiles, head.size);
    const fromTiles = await tree.leaves(0, head.size);
    const byKey = (bytes: Buffer): string => bytes.toString('hex');
    if (recomputeRoot(leaves.map((row) => row.leaf)).root.compare(head.root) !== 0) faults.push('rows do not lead to the signed root');
    if (recomputeRoot(fromTiles).root.compare(head.root) !== 0) faults.push('tiles do not lead to the signed root');
    if (
      fromTiles.map(byKey).sort().join() !==
      expected
        .map((event) => byKey(event.leaf))
        .sort()
        .join()
    )
      faults.push('leaves and raw events differ');
    const seqs = new Map<string, number>();
    for (const { source_id, seq } of fromTiles.map(decodeLeaf)) {
      if (seq <= (seqs.get(source_id) ?? -1)) faults.push(`leaves of ${source_id} are out of order`);
      seqs.set(source_id, seq);
    }
    if (this.tiles.checkpoint !== sealed.note) faults.push('the published checkpoint is not the sealed one');
    faults.push(...this.#told(sealed.round));
    return faults;
  }

  #told(rounds: number): string[] {
    const reader = new EventReader(this.codec);
    const own = (this.log.partitions.get('ledger') ?? []).flatMap((record) => reader.read(record).decoded ?? []);
    const told = own.flatMap(({ type, event }) => (type === 'checkpoint' ? [(event as { round: number }).round] : []));
    const all = Array.from({ length: rounds }, (_, index) => index + 1).join();
    const faults = [];
    if (told.join() !== all) faults.push(`checkpoint events of rounds ${told.join()}, not ${all}`);
    if (this.store.checkpoints.map((row) => row.round).join() !== all) faults.push('checkpoint rows are not one per round');
    const dead = own.filter(({ type }) => type === 'dead_letter').map(({ event }) => (event as { offset: number }).offset);
    const undecodable = this.store.events.filter((row) => row.event_type === 'undecodable').map((row) => row.seq);
    if (dead.sort().join() !== undecodable.sort().join()) faults.push(`dead letters for ${dead.join()}, undecodable ${undecodable.join()}`);
    return faults;
  }
}

const keyOf = ({ source_id, seq }: { readonly source_id: string; readonly seq: number }): string => `${source_id} ${seq}`;

export function controlDraft(kind: string): EventDraft {
  return {
    context: { session_id: null, exchange_id: null, principal: null, connection: null },
    type: 'control',
    event: { kind, outcome: 'success', subject: null, attributes: [], detail: null },
  };
}

/** Lets other tasks run, without time passing. */
async function yieldOnce(): Promise<void> {
  await setImmediate();
}
