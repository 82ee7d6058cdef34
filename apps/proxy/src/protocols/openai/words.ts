import type { LeafWords } from '../shared/leaf-collector.js';

/** Members that may hold a data URL or bare base64. */
const DATA_MEMBERS = new Set(['image_url', 'url', 'file_url', 'file_data', 'data']);
const DATA_URL = /^data:[\w.+/-]*(?:;[\w.+=-]+)*;base64,/i;
/** A run of base64 this long is no text anybody reads. */
const BARE_BASE64 = /^[A-Za-z0-9+/_-]{100,}={0,2}$/;

/** What the member names of the Responses and Chat Completions APIs mean (research/wire.md §3). */
export const OPENAI_WORDS: LeafWords = {
  contentNever: new Set([
    'type', 'role', 'id', 'name', 'model', 'object', 'status', 'call_id', 'tool_call_id', 'item_id', 'response_id', 'previous_response_id',
    'file_id', 'container_id', 'vector_store_id', 'connector_id', 'approval_request_id', 'encrypted_content', 'finish_reason',
    'system_fingerprint', 'fingerprint', 'service_tier', 'detail', 'server_label', 'authorization', 'phase', 'signature',
    'partial_image_b64', 'b64_json', 'format', 'media_type',
  ]), // prettier-ignore
  // Token by token a text is not found in log probabilities: they are left out where policy reads the text (response/logprobs).
  opaqueBelow: new Set(['usage', 'logprobs', 'logit_bias']),
  inputBelow: new Set(['action', 'actions', 'operation', 'queries']),
  schemaBelow: new Set(['parameters', 'schema', 'input_schema', 'output_schema']),
  signedTypes: new Set(),
  dataOf: new Map([['image_generation_call', 'result']]),
  dataMembers: DATA_MEMBERS,
  isData: (key, head) => DATA_URL.test(head) || (key === 'data' && BARE_BASE64.test(head)),
};
