import type { RequestWire } from '../../shared/request/wire.js';
import { MESSAGES_WORDS } from '../words.js';
import { bodyFacts } from './body-facts.js';

const SPLIT = new Set(['messages', 'system', 'tools']);
/** Claude Code's attribution line at the head of the system prompt: the provider reads it, so it stays (research/wire.md §1.1). */
const ATTRIBUTION = /^x-anthropic-billing-header:[^\r\n]{0,512}$/;

/** Requests of the Messages API. */
export const MESSAGES_REQUEST: RequestWire = {
  words: MESSAGES_WORDS,
  splitMembers: SPLIT,
  opaqueMembers: new Set(['model', 'service_tier', 'container', 'inference_geo', 'speed', 'betas']),
  // What a retry or the non-stream twin changes (research/wire.md §1.3).
  notOfTheCall: new Set(['stream', 'max_tokens']),
  namesToolsByType: false,
  kindOf: (member, isSplit) => {
    if (member === 'system') return 'system';
    return isSplit && (member === 'messages' || member === 'tools') ? member : 'member';
  },
  facts: bodyFacts,
  staysAsIs: (member, text) => member === 'system' && ATTRIBUTION.test(text),
  isJsonText: () => false,
  referringMembers: null,
};
