import { AffiantError, toAffiantError } from '#errors';
import type { EventDraft, EventRecorder } from '#events';

/** Inline bytes given to the recorder in one go; more goes in steps, so that no body holds the event loop. */
const STEP_BYTES = 1024 * 1024;

/** The recorder with a time limit: a disk that hangs refuses calls instead of hanging them. */
export class Evidence {
  constructor(
    readonly recorder: EventRecorder,
    /** Milliseconds. */
    readonly timeout: number,
  ) {}

  /**
   * Resolves when every draft is durable. Large bodies' segments go ahead in steps, in order; a crash in between leaves segments
   * that no event cites.
   * `late` is called when the drafts became durable after the time limit: the caller then records how the call ended.
   * @throws AffiantError journal_full | journal_failed
   */
  async commit(drafts: readonly EventDraft[], late?: () => void): Promise<void> {
    const done = this.#submit(drafts);
    let timer: NodeJS.Timeout | undefined;
    let overdue = false;
    const limit = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        overdue = true;
        reject(new AffiantError('journal_failed', 'the journal did not answer in time'));
      }, this.timeout);
    });
    try {
      await Promise.race([done, limit]);
    } catch (error) {
      if (overdue) done.then(late, () => undefined);
      throw toAffiantError(error, 'journal_failed', 'the event could not be recorded');
    } finally {
      clearTimeout(timer);
    }
  }

  async #submit(drafts: readonly EventDraft[]): Promise<void> {
    const steps = intoSteps(drafts);
    const last = steps.pop();
    const ahead: Promise<unknown>[] = [];
    for (const step of steps) {
      const recorded = this.recorder.record(step);
      recorded.catch(() => undefined);
      ahead.push(recorded);
      await new Promise(setImmediate);
    }
    // A failed step leaves a recorder that refuses, or a full journal: the events that cite it must not be written then.
    if (ahead.length > 0) await Promise.all(ahead);
    if (last !== undefined) await this.recorder.record(last);
  }
}

function intoSteps(drafts: readonly EventDraft[]): EventDraft[][] {
  const steps: EventDraft[][] = [[]];
  let bytes = 0;
  for (const draft of drafts) {
    if (draft.type === 'segment') {
      const size = draft.event.segments.reduce((sum, segment) => sum + (segment.inline?.length ?? 0), 0);
      if (bytes > 0 && bytes + size > STEP_BYTES) {
        steps.push([]);
        bytes = 0;
      }
      bytes += size;
    }
    steps.at(-1)?.push(draft);
  }
  return steps;
}
