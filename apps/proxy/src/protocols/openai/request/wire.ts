import type { RequestWire } from '../../shared/request/wire.js';
import { OPENAI_WORDS } from '../words.js';
import { bodyFacts } from './body-facts.js';
import { chatRefusals, REFERRING, refersElsewhere, responsesRefusals } from './provider-state.js';

const KINDS: ReadonlyMap<string, 'messages' | 'system' | 'tools'> = new Map([
  ['messages', 'messages'],
  ['input', 'messages'],
  ['instructions', 'system'],
  ['tools', 'tools'],
  ['functions', 'tools'],
]);

const COMMON: Omit<RequestWire, 'refusals'> = {
  words: OPENAI_WORDS,
  splitMembers: new Set(['messages', 'input', 'tools', 'functions']),
  opaqueMembers: new Set([
    'model', 'service_tier', 'truncation', 'include', 'previous_response_id', 'modalities', 'tool_choice', 'function_call', 'verbosity',
    'reasoning_effort', 'reasoning', 'prompt_cache_retention', 'stream_options', 'audio',
  ]), // prettier-ignore
  // What a retry or the non-stream twin changes.
  notOfTheCall: new Set(['stream', 'stream_options']),
  namesToolsByType: true,
  kindOf: (member) => KINDS.get(member) ?? 'member',
  facts: bodyFacts,
  staysAsIs: () => false,
  isJsonText: ({ key, inToolInput, depth }) => key === 'arguments' && !inToolInput && depth > 0,
  referringMembers: REFERRING,
  refersElsewhere,
};

/** Requests of the Responses API. */
export const RESPONSES_REQUEST: RequestWire = { ...COMMON, refusals: responsesRefusals };
/** Requests of the Chat Completions API. */
export const CHAT_REQUEST: RequestWire = { ...COMMON, refusals: chatRefusals };
