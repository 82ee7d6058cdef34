import type { EventRow } from '#ledger-store';
import { decodeLeaf } from '#tlog';
import { STOP_KINDS, type EpochSpan, type SeqRange, type Trail } from '../testify/trail.js';
import type { MemoryLedgerStore } from './memory-ledger-store.js';

/** What the memory store holds, as the real port answers it. */
export class MemoryTrail implements Trail {
  constructor(private readonly store: MemoryLedgerStore) {}

  async epochs(ranges: readonly SeqRange[]): Promise<EpochSpan[]> {
    const spans = new Map<string, EpochSpan>();
    const rows = this.store.events.filter((row) => row.event_type !== 'undecodable').toSorted((a, b) => a.seq - b.seq);
    for (const row of rows) {
      const { source_id: source, boot_epoch: epoch, seq, build, occurred_at: sinceUs } = row;
      if (!ranges.some((range) => range.source === source && range.from <= seq && seq <= range.to)) continue;
      const known = spans.get(`${source} ${epoch}`) ?? { source, epoch, first: seq, last: seq, sinceUs, build, stop: null };
      const isStop = (STOP_KINDS as readonly string[]).includes(kindOf(row));
      spans.set(`${source} ${epoch}`, { ...known, last: seq, stop: isStop ? seq : known.stop });
    }
    return [...spans.values()];
  }

  async accounted(): Promise<number> {
    const frontiers = this.store.events.filter((row) => kindOf(row) === 'ledger.frontier');
    return Math.max(0, ...frontiers.map((row) => Number(attributesOf(row).get('accounted') ?? 0)));
  }

  async sizeAt(us: number): Promise<number> {
    return Math.max(0, ...this.store.checkpoints.filter(({ sealed_at }) => sealed_at <= us).map(({ tree_size }) => tree_size));
  }

  async unanswered(from: number, to: number) {
    const answered = new Set(this.store.events.filter(({ event_type }) => event_type === 'response').map((row) => row.exchange_id));
    return this.#sealed('request', from, to)
      .filter(({ exchange_id }) => !answered.has(exchange_id))
      .map(({ exchange_id: exchange, source_id: source, seq, occurred_at: occurredUs }) => ({ exchange, source, seq, occurredUs }));
  }

  async answers(exchanges: readonly string[], size: number) {
    return this.#sealed('response', 0, size)
      .filter(({ exchange_id }) => exchanges.includes(exchange_id))
      .map(({ exchange_id: exchange, source_id: source, seq, data }) => {
        return { exchange, source, seq, outcome: (JSON.parse(data) as { outcome: string }).outcome };
      });
  }

  #sealed(type: string, from: number, to: number): EventRow[] {
    return this.store.leaves
      .filter(({ leaf_index, leaf }) => leaf_index >= from && leaf_index < to && decodeLeaf(leaf).type === type)
      .flatMap(({ source_id, seq }) => this.store.events.filter((row) => row.source_id === source_id && row.seq === seq));
  }
}

interface Told {
  readonly kind?: string;
  readonly attributes?: readonly { readonly name: string; readonly value: string }[];
}

const toldBy = ({ event_type, data }: EventRow): Told => (event_type === 'control' ? (JSON.parse(data) as Told) : {});

const kindOf = (row: EventRow): string => toldBy(row).kind ?? '';

const attributesOf = (row: EventRow): Map<string, string> =>
  new Map((toldBy(row).attributes ?? []).map(({ name, value }) => [name, value]));
