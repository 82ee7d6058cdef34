import { AffiantError, isAffiantError, toAffiantError } from '#errors';
import type { EventDraft, EventRecorder } from '#events';
import { turns, type Turns } from '#wire';

/** Inline bytes given to the recorder in one go; more goes in steps, so that no body holds the event loop. */
const STEP_BYTES = 1024 * 1024;
/** The same while small calls are under way: each of their events may have to wait for such a step to be encoded, sealed and written. */
const CROWDED_STEP_BYTES = 256 * 1024;
/** More steps than this, one waiting for the other, would use up the time limit on a slow disk. */
const CROWDED_STEPS = 16;

/** The recorder with a time limit: a disk that hangs refuses calls instead of hanging them. */
export class Evidence {
  constructor(
    readonly recorder: EventRecorder,
    /** Milliseconds. */
    readonly timeout: number,
    private readonly of: Turns = turns,
  ) {}

  /**
   * Resolves when every draft is durable. Large bodies' segments go ahead in steps, in order; a crash in between leaves segments
   * that no event cites.
   * `late` is called when the drafts are durable although this throws: they became so after the time limit, or here alone and not in the event log, which
   * the connection demands. The caller then records how the call ended.
   * @throws AffiantError journal_full | journal_failed | replication_timeout
   */
  async commit(drafts: readonly EventDraft[], late?: (why: AffiantError) => void): Promise<void> {
    const done = this.#submit(drafts);
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_resolve, reject) => {
      // Made only when it is due: an error costs its stack, and each call comes here twice.
      timer = setTimeout(
        () => reject(new AffiantError('journal_failed', 'the journal did not answer in time; the call was refused')),
        this.timeout,
      );
    });
    try {
      await Promise.race([done, limit]);
    } catch (cause) {
      const error = toAffiantError(cause, 'journal_failed', 'the event could not be recorded');
      const isDurable = (reason: unknown): boolean => isAffiantError(reason) && reason.code === 'replication_timeout';
      if (late !== undefined)
        void done.then(
          () => late(error),
          (reason: unknown) => isDurable(reason) && late(error),
        );
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #submit(drafts: readonly EventDraft[]): Promise<void> {
    const steps = new SegmentSteps(drafts, this.of);
    const ahead: Promise<unknown>[] = [];
    for (let step = steps.next(); step !== null; step = steps.next()) {
      const recorded = this.recorder.record(step);
      recorded.catch(() => undefined);
      ahead.push(recorded);
      // Beside small calls a body has one step in the journal at a time: whatever they record then waits for no more than that.
      if (this.of.crowded) await recorded;
      await this.of.next();
    }
    // A failed step leaves a recorder that refuses, or a full journal: the events that cite it must not be written then.
    if (ahead.length > 0) await Promise.all(ahead);
    await this.recorder.record(steps.rest);
  }
}

/** Cuts what goes ahead of the last events into steps. What fits into one step is the rest alone. */
class SegmentSteps {
  #at = 0;
  readonly #bytes: readonly number[];
  readonly #total: number;

  constructor(
    private readonly drafts: readonly EventDraft[],
    private readonly of: Turns,
  ) {
    this.#bytes = drafts.map(inlineBytes);
    this.#total = this.#bytes.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Null when the rest may go in one. */
  next(): readonly EventDraft[] | null {
    const limit = this.of.crowded ? Math.min(STEP_BYTES, Math.max(CROWDED_STEP_BYTES, this.#total / CROWDED_STEPS)) : STEP_BYTES;
    let bytes = 0;
    for (let end = this.#at; end < this.drafts.length; end += 1) {
      const more = this.#bytes[end]!;
      if (bytes > 0 && more > 0 && bytes + more > limit) {
        const step = this.drafts.slice(this.#at, end);
        this.#at = end;
        return step;
      }
      bytes += more;
    }
    return null;
  }

  get rest(): readonly EventDraft[] {
    return this.drafts.slice(this.#at);
  }
}

/** Of what goes ahead; an event that cites it is never cut off from those around it. */
function inlineBytes(draft: EventDraft): number {
  return draft.type === 'segment' ? draft.event.segments.reduce((sum, segment) => sum + (segment.inline?.length ?? 0), 0) : 0;
}
