import type { LeafWords } from '../shared/leaf-collector.js';

/** What the member names of the Messages API mean (research/wire.md §2). */
export const MESSAGES_WORDS: LeafWords = {
  contentNever: new Set([
    'type', 'role', 'id', 'name', 'model', 'media_type', 'signature', 'tool_use_id', 'tool_name', 'server_name', 'file_id', 'container_id',
    'request_id', 'encrypted_content', 'encrypted_index', 'stop_reason', 'stop_sequence', 'authorization_token', 'ttl', 'service_tier',
  ]), // prettier-ignore
  opaqueBelow: new Set(['cache_control', 'usage', 'encrypted_content']),
  inputBelow: new Set(['input']),
  schemaBelow: new Set(['input_schema', 'output_schema', 'schema']),
  signedTypes: new Set(['thinking', 'redacted_thinking', 'thinking_delta', 'signature_delta']),
  dataOf: new Map([['base64', 'data']]),
};
