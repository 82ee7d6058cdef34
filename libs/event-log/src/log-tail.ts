import { AffiantError } from '#errors';
import { ALL_TOPICS, EventCodec, type DecodedEvent, type Topic } from '#events';
import type { EventLogTail } from './port.js';

const PAGE = 200;
const POLL_MS = 100;
const PARTITION = /^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$/;

export interface TailedRecord {
  /** Position behind this event in every partition; opaque to callers. */
  readonly cursor: string;
  readonly topic: Topic;
  readonly decoded: DecodedEvent;
  /** The exact framed bytes. */
  readonly value: Buffer;
}

export interface LogTailOptions {
  readonly topic: Topic | null;
  /** Cursor of the last event seen; null = the oldest still there. */
  readonly from: string | null;
  /** True: waits for later events until `signal`; false: ends at the durable end. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** Events as they stand in an event log, partition by partition, oldest first; the cursor is the position in every partition. */
export class LogTail {
  readonly #codec = new EventCodec();

  /** @param pollMs pause between two looks while nothing comes */
  constructor(
    private readonly eventLog: EventLogTail,
    private readonly pollMs: number = POLL_MS,
  ) {}

  /** @throws AffiantError usage_invalid for a cursor that is none, or that points at what is no longer retained */
  async *read({ topic, from, follow, signal }: LogTailOptions): AsyncIterable<TailedRecord> {
    const positions = parseCursor(from);
    for (;;) {
      let found = false;
      for (const { partition, firstOffset, nextOffset } of await this.eventLog.partitions()) {
        const start = positions.get(partition) ?? firstOffset;
        if (start < firstOffset) {
          throw new AffiantError('usage_invalid', `events of ${partition} before ${firstOffset} are no longer in the log`, {
            remedy: 'Read older events with `affiant sql` from audit.events, or start without --from.',
          });
        }
        if (start >= nextOffset || isOther(partition, topic)) continue;
        for (const { topic: itsTopic, offset, value } of await this.eventLog.read(partition, start, PAGE)) {
          if (signal.aborted) return;
          found = true;
          positions.set(partition, offset + 1);
          if (topic !== null && itsTopic !== topic) continue;
          yield { cursor: formatCursor(positions), topic: itsTopic, decoded: this.#codec.decode(value), value };
        }
      }
      if (signal.aborted || (!found && !follow)) return;
      if (!found) await pause(this.pollMs, signal);
    }
  }
}

/** Kafka has a topic per partition: those of another topic need not be read. */
function isOther(partition: string, topic: Topic | null): boolean {
  const at = partition.lastIndexOf('/');
  return topic !== null && at > 0 && partition.slice(0, at) !== topic;
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}

/** `partition:next,partition:next`; a topic is written as its number, so that a cursor stays short. */
const formatCursor = (positions: ReadonlyMap<string, number>): string =>
  [...positions].map(([partition, next]) => `${shortName(partition)}:${next}`).join(',');

function shortName(partition: string): string {
  const at = partition.lastIndexOf('/');
  return at < 0 ? partition : `${ALL_TOPICS.indexOf(partition.slice(0, at) as Topic)}/${partition.slice(at + 1)}`;
}

function longName(name: string): string | null {
  const match = /^(\d{1,2})\/(\d{1,6})$/.exec(name);
  if (match === null) return PARTITION.test(name) ? name : null;
  const topic = ALL_TOPICS[Number(match[1])];
  return topic === undefined ? null : `${topic}/${match[2]}`;
}

function parseCursor(cursor: string | null): Map<string, number> {
  const positions = new Map<string, number>();
  for (const part of (cursor ?? '').split(',').filter((each) => each !== '')) {
    const [name, next, ...more] = part.split(':');
    const partition = longName(name ?? '');
    if (partition === null || next === undefined || more.length > 0 || !/^\d{1,15}$/.test(next)) {
      throw new AffiantError('usage_invalid', 'not a cursor of this feed', {
        where: 'from',
        remedy: 'Give the cursor of an earlier line, or none.',
      });
    }
    positions.set(partition, Number(next));
  }
  return positions;
}
