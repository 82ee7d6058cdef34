import { AffiantError } from '#errors';
import type { EventDraft, EventRecorder, Receipt } from '#events';
import type { Shipper } from './shipper.js';

export interface ReplicatedRecorderOptions {
  readonly recorder: EventRecorder;
  readonly shipper: Pick<Shipper, 'replicatedThrough'>;
  /** True for a connection whose evidence counts only when the event log has acknowledged it (`durability: replicated`). */
  readonly isReplicated: (connection: string) => boolean;
  /** For both, the local disk and the event log. */
  readonly timeoutMs: number;
}

/**
 * The recorder of a process with connections of both kinds: events of a replicated one are durable when all in-sync replicas of the event log hold them.
 * Content alone (segments) has no effect, and neither has the refusal that follows when replication took too long: both wait for the local disk only.
 *
 * @throws AffiantError replication_timeout: then the events are durable here and will be in the ledger, but nothing may be done on their strength.
 */
export class ReplicatedRecorder implements EventRecorder {
  readonly sourceId: string;
  readonly bootEpoch: number;

  constructor(private readonly options: ReplicatedRecorderOptions) {
    this.sourceId = options.recorder.sourceId;
    this.bootEpoch = options.recorder.bootEpoch;
  }

  async record(drafts: readonly EventDraft[]): Promise<readonly Receipt[]> {
    const { recorder, shipper, timeoutMs } = this.options;
    const begun = performance.now();
    const receipts = await recorder.record(drafts);
    const last = receipts[drafts.findLastIndex((draft) => this.#waits(draft))];
    if (last === undefined) return receipts;
    const left = Math.max(0, timeoutMs - (performance.now() - begun));
    if (!(await shipper.replicatedThrough(last.seq, left))) {
      throw new AffiantError('replication_timeout', 'the event log has not acknowledged the evidence in time');
    }
    return receipts;
  }

  #waits(draft: EventDraft): boolean {
    const { connection } = draft.context;
    if (connection === null || draft.type === 'segment') return false;
    if (draft.type === 'response' && draft.event.error_code === 'replication_timeout') return false;
    return this.options.isReplicated(connection);
  }
}
