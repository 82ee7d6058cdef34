import type { FactsOfResponse } from '../../shared/response/facts.js';
import { member } from '../../shared/response/facts.js';
import type { WholeValues } from '../../shared/response/whole-values.js';
import type { DocumentReader } from './reader.js';

/** Takes from a document what the record tells of an answer. Counts are the provider's own: its input tokens include those read from a cache. */
export function noteFacts(reader: DocumentReader, bytes: Buffer, record: FactsOfResponse, values: WholeValues): void {
  const { facts, usage, error } = reader;
  record.model = facts.get('model') ?? record.model;
  record.stopReason = facts.get('finish_reason') ?? facts.get('reason') ?? endStatus(facts.get('status')) ?? record.stopReason;
  if (usage !== null) {
    const counts = JSON.parse(bytes.toString('utf8', usage.start, usage.end)) as unknown;
    record.usage({
      input_tokens: member(counts, 'input_tokens') ?? member(counts, 'prompt_tokens'),
      output_tokens: member(counts, 'output_tokens') ?? member(counts, 'completion_tokens'),
      cache_read_input_tokens:
        member(member(counts, 'input_tokens_details'), 'cached_tokens') ?? member(member(counts, 'prompt_tokens_details'), 'cached_tokens'),
    });
  }
  if (error !== null) record.upstreamError = { type: error.type, message: values.maskText(error.message).slice(0, 2_000) };
}

function endStatus(status: string | undefined): string | undefined {
  return status === 'in_progress' || status === 'queued' ? undefined : status;
}
