import { frameData, SseParser } from '#wire';
import { member, text } from '../shared/response/facts.js';
import { ChatAssembly } from './assemble-chat.js';

/**
 * The answer a stream amounts to, as the API would have sent it without streaming: the response of the last event, or the completion that the chunks
 * make. A stream that ended in an error gives that error.
 */
export function assemble(stream: Buffer): Buffer {
  const parser = new SseParser(64 << 20);
  const frames = parser.push(stream);
  const rest = parser.end();
  const chat = new ChatAssembly();
  let response: unknown = null;
  for (const frame of rest === null ? frames : [...frames, rest]) {
    const event = parsed(frameData(frame));
    const error = member(event, 'error');
    if (text(member(event, 'type')) === 'error' || (typeof error === 'object' && error !== null)) {
      return Buffer.from(JSON.stringify({ error: error ?? event }));
    }
    response = member(event, 'response') ?? response;
    if (Array.isArray(member(event, 'choices'))) chat.add(event as Record<string, unknown>);
  }
  return Buffer.from(JSON.stringify(response ?? chat.completion()));
}

function parsed(data: Buffer | null): unknown {
  if (data === null) return null;
  try {
    return JSON.parse(data.toString()) as unknown;
  } catch {
    return null;
  }
}
