import { frameBytes } from '../../shared/response/frame-bytes.js';
import type { OutItem, Rendered } from '../../shared/response/outbox.js';
import type { Stamp } from '../../shared/response/text-item.js';
import type { Judged } from './judged.js';
import type { WireEvent } from './read-event.js';

/** An event that carries whole values; it waits until people have decided on those it carries, and on what `waitsFor` names. */
export class FrameItem implements OutItem {
  readonly weight: number;

  constructor(
    private readonly event: WireEvent,
    private readonly judged: Judged,
    private readonly stamp: Stamp,
    private readonly waitsFor: readonly { readonly isReleased: boolean }[] = [],
  ) {
    this.weight = event.frame.raw.length;
  }

  take(): Rendered | null {
    const { event, judged } = this;
    if (!judged.isReleased || !this.waitsFor.every(({ isReleased }) => isReleased)) return null;
    const stamp = this.stamp.edits(event, false);
    const trail = frameBytes(event, [...judged.of(true), ...stamp]);
    return { client: judged.differs ? frameBytes(event, [...judged.of(false), ...stamp]) : trail, trail, done: true };
  }
}

/** Holds back all that comes after it until it is opened. */
export class Gate implements OutItem {
  readonly weight = 0;
  isOpen = false;

  take(): Rendered | null {
    return this.isOpen ? { client: NOTHING, trail: NOTHING, done: true } : null;
  }
}

const NOTHING = Buffer.alloc(0);

/** The events of a Responses stream are numbered: a number moves when an event before it was split in two, or left out. */
export class Numbering implements Stamp {
  private shift = 0;

  edits(event: WireEvent, again: boolean): { start: number; end: number; bytes: Buffer }[] {
    if (again) this.shift++;
    const number = event.reader?.numbers.get('sequence_number');
    if (number === undefined || this.shift === 0) return [];
    return [{ start: number.start, end: number.end, bytes: Buffer.from(String(number.value + this.shift)) }];
  }

  dropped(): void {
    this.shift--;
  }
}
