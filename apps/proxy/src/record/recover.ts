import type { EventContext, EventDraft, EventRecorder } from '#events';

const BATCH = 256;

/**
 * Closes the exchanges a crash left open: each gets a response event with outcome `aborted`.
 * `open` holds the contexts of request events without a response event, as the journal found them. Call it before the gateway
 * listens. A crash in between leaves the rest open for the next start: the list is computed anew from the journal.
 * Returns how many were closed.
 * @throws AffiantError journal_full | journal_failed
 */
export async function recoverOpenExchanges(recorder: EventRecorder, open: readonly EventContext[]): Promise<number> {
  for (let at = 0; at < open.length; at += BATCH) await recorder.record(open.slice(at, at + BATCH).map(abortedDraft));
  return open.length;
}

function abortedDraft(context: EventContext): EventDraft {
  return {
    type: 'response',
    context,
    event: {
      outcome: 'aborted',
      status: 0,
      upstream_status: null,
      upstream_request_id: null,
      model: null,
      stop_reason: null,
      input_tokens: null,
      output_tokens: null,
      cache_read_tokens: null,
      cache_creation_tokens: null,
      tool_calls: [],
      first_byte_us: null,
      duration_us: 0,
      timeline: [],
      body: {
        segments: [],
        original_digest: null,
        original_length: 0,
        masked_length: 0,
        complete: false,
        masks: [],
        content_key: null,
        sealed_originals: null,
      },
      error_code: null,
      error_message: 'the gateway stopped before this exchange ended',
    },
  };
}
