import type { OutlineMember } from '#wire';
import { smallValue } from '../../shared/request/small-value.js';
import type { BodyFacts } from '../../shared/request/wire.js';

const ID = /^(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32,128})$/;
/** Members that often carry nothing but an id. */
const ID_MEMBERS = ['prompt_cache_key', 'safety_identifier', 'user'] as const;

export function bodyFacts(body: Buffer, members: readonly OutlineMember[]): BodyFacts {
  const model = smallValue(body, members, 'model');
  const isId = (name: string): boolean => {
    const value = smallValue(body, members, name);
    return typeof value === 'string' && ID.test(value);
  };
  return {
    model: typeof model === 'string' ? model : null,
    stream: smallValue(body, members, 'stream') === true,
    // Agents that keep a cache per conversation name it by the conversation's id; any other key may be shared by many.
    sessionHint: isId('prompt_cache_key') ? (smallValue(body, members, 'prompt_cache_key') as string) : null,
    idMembers: new Set(ID_MEMBERS.filter(isId)),
  };
}
