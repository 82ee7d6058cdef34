import type { LogRecord } from '#event-log';
import type { ReadEvent } from './read-event.js';

/**
 * Events that the ingest of this process has read and its sequencer is about to read: decoding is most of the work, so it is done once.
 * Only a saving: what is not here (ingest elsewhere, or long ago) the sequencer reads itself, to the same result.
 */
export class Handover {
  readonly #given = new Map<string, Map<number, ReadEvent>>();

  constructor(private readonly maxPerPartition: number) {}

  give({ partition, offset }: LogRecord, event: ReadEvent): void {
    let events = this.#given.get(partition);
    if (events === undefined) this.#given.set(partition, (events = new Map()));
    if (events.size >= this.maxPerPartition) events.delete(events.keys().next().value!);
    events.set(offset, event);
  }

  take({ partition, offset }: LogRecord): ReadEvent | undefined {
    const events = this.#given.get(partition);
    const event = events?.get(offset);
    events?.delete(offset);
    return event;
  }
}
