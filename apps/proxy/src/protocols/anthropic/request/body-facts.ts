import type { OutlineMember } from '#wire';

const LONGEST_FACT = 4_096;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const HEX = /^[0-9a-f]{32,128}$/;
/** Older Claude Code: one string of the three ids. */
const JOINED_IDS = /^user_[0-9a-f]{64}_account_(?:[0-9a-f-]{36})?_session_([0-9a-f-]{36})$/;

/** What the body says outside its text. */
export interface BodyFacts {
  readonly model: string | null;
  readonly stream: boolean;
  /** From metadata.user_id. Correlation only. */
  readonly sessionHint: string | null;
  /** True when metadata carries nothing but ids of the known forms: they are no text and stay. */
  readonly metadataIsIds: boolean;
}

export function bodyFacts(body: Buffer, members: readonly OutlineMember[]): BodyFacts {
  const model = smallValue(body, members, 'model');
  const ids = readIds(smallValue(body, members, 'metadata'));
  return {
    model: typeof model === 'string' ? model : null,
    stream: smallValue(body, members, 'stream') === true,
    sessionHint: ids.session,
    metadataIsIds: ids.only,
  };
}

function smallValue(body: Buffer, members: readonly OutlineMember[], name: string): unknown {
  const member = members.find((candidate) => candidate.name === name);
  if (member === undefined || member.end - member.valueStart > LONGEST_FACT) return undefined;
  return parse(body.toString('utf8', member.valueStart, member.end));
}

function readIds(metadata: unknown): { session: string | null; only: boolean } {
  if (typeof metadata !== 'object' || metadata === null) return { session: null, only: false };
  const { user_id: userId, ...others } = metadata as Record<string, unknown>;
  if (typeof userId !== 'string') return { session: null, only: false };
  const alone = Object.keys(others).length === 0;
  const joined = JOINED_IDS.exec(userId);
  if (joined !== null) return { session: joined[1]!, only: alone };
  const ids = parse(userId);
  if (typeof ids !== 'object' || ids === null) return { session: null, only: false };
  const { session_id: session } = ids as Record<string, unknown>;
  const isId = (value: unknown): boolean => typeof value === 'string' && (value === '' || UUID.test(value) || HEX.test(value));
  return {
    session: typeof session === 'string' && isId(session) && session !== '' ? session : null,
    only: alone && Object.values(ids).every(isId),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
