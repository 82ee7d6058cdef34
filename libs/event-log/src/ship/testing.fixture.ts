import { AffiantError } from '#errors';
import { ALL_TOPICS, TOPICS, type Topic } from '#events';
import type { ReadLimits, StoredRecord } from '#journal';
import type { LogMessage, LogSender } from './port.js';
import { BEGINNING, type PositionStore, type ShipPosition } from './position-file.js';

/** A journal of one source in memory, behind the reader's face. */
export class MemoryJournal {
  readonly #records: StoredRecord[] = [];
  #first = 1;
  #wake: (() => void)[] = [];

  append(topic: Topic, text = ''): number {
    const seq = this.#records.length + 1;
    this.#records.push({ seq, topic: ALL_TOPICS.indexOf(topic), payload: Buffer.from(`${seq}:${text}`) });
    this.wake();
    return seq;
  }

  fill(count: number, topic: Topic = TOPICS.request): void {
    for (let at = 0; at < count; at += 1) this.append(topic);
  }

  trimTo(first: number): void {
    this.#first = first;
  }

  readonly last = (): number => this.#records.length;
  firstSeq = async (): Promise<number> => this.#first;
  durableSeq = async (): Promise<number> => this.last();
  close = async (): Promise<void> => undefined;

  async read(from: number, { maxRecords, maxBytes }: ReadLimits): Promise<readonly StoredRecord[]> {
    if (from < this.#first) throw new AffiantError('not_found', 'trimmed');
    const records: StoredRecord[] = [];
    let bytes = 0;
    for (const record of this.#records.slice(from - 1, from - 1 + maxRecords)) {
      if (records.length > 0 && bytes + record.payload.length > maxBytes) break;
      records.push(record);
      bytes += record.payload.length;
    }
    return records;
  }

  waitBeyond(seq: number, timeoutMs: number): Promise<void> {
    if (this.last() > seq) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#wake.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  wake(): void {
    for (const each of this.#wake.splice(0)) each();
  }
}

/** One send: `lost` rejected and not in the log, `applied` rejected although it is in the log, `swallowed` acknowledged and not in the log. */
export type Fate = 'ok' | 'lost' | 'applied' | 'swallowed';

/** An event log that can fail before and after it has taken the messages, and that can acknowledge what it then loses. */
export class FakeSender implements LogSender {
  readonly log = new Map<Topic, number[]>();
  readonly sends: { readonly topic: Topic; readonly seqs: readonly number[] }[] = [];
  /** Asked before each send. */
  fate: (topic: Topic, seqs: readonly number[]) => Fate | Promise<Fate> = () => 'ok';
  readonly #underWay = new Set<Topic>();

  async send(topic: Topic, _partition: number, messages: readonly LogMessage[]): Promise<void> {
    if (this.#underWay.has(topic)) throw new Error(`two sends of ${topic} at once`);
    this.#underWay.add(topic);
    try {
      const seqs = messages.map(({ value }) => Number(value.toString('utf8').split(':')[0]));
      this.sends.push({ topic, seqs });
      const fate = await this.fate(topic, seqs);
      if (fate === 'ok' || fate === 'applied') this.log.set(topic, [...(this.log.get(topic) ?? []), ...seqs]);
      if (fate === 'lost' || fate === 'applied') throw new AffiantError('event_log_failed', 'no answer');
    } finally {
      this.#underWay.delete(topic);
    }
  }

  /** Distinct seqs over all topics, ascending. */
  held(): number[] {
    return [...new Set([...this.log.values()].flat())].sort((a, b) => a - b);
  }
}

export class MemoryPosition implements PositionStore {
  position: ShipPosition = BEGINNING;
  load = async (): Promise<ShipPosition> => this.position;
  save = async (position: ShipPosition): Promise<void> => void (this.position = position);
}
