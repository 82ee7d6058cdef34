import { AffiantError } from '#errors';
import { EventCodec } from '#events';
import type { EmbeddedEventLog } from '#event-log';
import type { EventTail, TailedEvent, TailOptions } from '#apps/console';

const PAGE = 200;
const POLL_MS = 100;

/** Events as they stand in the journals, oldest source position first; the cursor is the position in every source. */
export class JournalTail implements EventTail {
  readonly #codec = new EventCodec();

  constructor(private readonly eventLog: EmbeddedEventLog) {}

  async *read({ topic, from, follow, signal }: TailOptions): AsyncIterable<TailedEvent> {
    const positions = parseCursor(from);
    for (;;) {
      let found = false;
      for (const { partition, firstOffset, nextOffset } of await this.eventLog.partitions()) {
        const start = positions.get(partition) ?? firstOffset;
        if (start < firstOffset) {
          throw new AffiantError('usage_invalid', `events of ${partition} before ${firstOffset} are no longer in the journal`, {
            remedy: 'Read older events with `affiant sql` from audit.events, or start without --from.',
          });
        }
        if (start >= nextOffset) continue;
        for (const { topic: itsTopic, offset, value } of await this.eventLog.read(partition, start, PAGE)) {
          if (signal.aborted) return;
          found = true;
          positions.set(partition, offset + 1);
          if (topic !== null && itsTopic !== topic) continue;
          yield { cursor: formatCursor(positions), topic: itsTopic, decoded: this.#codec.decode(value), value };
        }
      }
      if (signal.aborted || (!found && !follow)) return;
      if (!found) await pause(signal);
    }
  }
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, POLL_MS);
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

/** `source:next,source:next` */
const formatCursor = (positions: ReadonlyMap<string, number>): string =>
  [...positions].map(([source, next]) => `${source}:${next}`).join(',');

function parseCursor(cursor: string | null): Map<string, number> {
  const positions = new Map<string, number>();
  for (const part of (cursor ?? '').split(',').filter((each) => each !== '')) {
    const [source, next, ...more] = part.split(':');
    if (source === undefined || next === undefined || more.length > 0 || !/^\d{1,15}$/.test(next)) {
      throw new AffiantError('usage_invalid', 'not a cursor of this feed', {
        where: 'from',
        remedy: 'Give the cursor of an earlier line, or none.',
      });
    }
    positions.set(source, Number(next));
  }
  return positions;
}
