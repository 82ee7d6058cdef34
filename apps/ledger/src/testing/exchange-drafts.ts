import type { Body, EventContext, EventDraft } from '#events';
import { answerDraft } from './answer-draft.js';

const contextOf = (exchange_id: string): EventContext => ({ ...answerDraft().context, exchange_id });

/** A request of an exchange. */
export function requestDraft(exchange: string): EventDraft {
  const { body } = answerDraft().event as { body: Body };
  const event = {
    protocol: 'anthropic',
    operation: 'messages',
    method: 'POST',
    path: '/v1/messages',
    model: 'claude-sonnet-4-5',
    stream: false,
    tools: [],
    user_agent: null,
    client_address: null,
    correlation: [],
    joins_exchange: null,
    body,
  };
  return { context: contextOf(exchange), type: 'request', event };
}

/** The response of an exchange, completed. */
export function responseDraft(exchange: string): EventDraft {
  return { ...answerDraft(), context: contextOf(exchange) };
}
