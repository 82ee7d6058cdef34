import type { OutlineMember } from '#wire';
import { parseJson, smallValue } from '../../shared/request/small-value.js';
import type { BodyFacts } from '../../shared/request/wire.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const HEX = /^[0-9a-f]{32,128}$/;
/** Older Claude Code: one string of the three ids. */
const JOINED_IDS = /^user_[0-9a-f]{64}_account_(?:[0-9a-f-]{36})?_session_([0-9a-f-]{36})$/;

const NO_MEMBERS: ReadonlySet<string> = new Set();
const METADATA: ReadonlySet<string> = new Set(['metadata']);

export function bodyFacts(body: Buffer, members: readonly OutlineMember[]): BodyFacts {
  const model = smallValue(body, members, 'model');
  const ids = readIds(smallValue(body, members, 'metadata'));
  return {
    model: typeof model === 'string' ? model : null,
    stream: smallValue(body, members, 'stream') === true,
    sessionHint: ids.session,
    idMembers: ids.only ? METADATA : NO_MEMBERS,
  };
}

function readIds(metadata: unknown): { session: string | null; only: boolean } {
  if (typeof metadata !== 'object' || metadata === null) return { session: null, only: false };
  const { user_id: userId, ...others } = metadata as Record<string, unknown>;
  if (typeof userId !== 'string') return { session: null, only: false };
  const alone = Object.keys(others).length === 0;
  const joined = JOINED_IDS.exec(userId);
  if (joined !== null) return { session: joined[1]!, only: alone };
  const ids = parseJson(userId);
  if (typeof ids !== 'object' || ids === null) return { session: null, only: false };
  const { session_id: session } = ids as Record<string, unknown>;
  const isId = (value: unknown): boolean => typeof value === 'string' && (value === '' || UUID.test(value) || HEX.test(value));
  return {
    session: typeof session === 'string' && isId(session) && session !== '' ? session : null,
    only: alone && Object.values(ids).every(isId),
  };
}
