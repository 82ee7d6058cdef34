import { AffiantError, isAffiantError, toAffiantError } from '#errors';
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
