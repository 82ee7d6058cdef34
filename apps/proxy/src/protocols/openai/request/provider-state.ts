import type { RuleOutcome } from '#policy';
import type { OutlineMember } from '#wire';
import type { ScreenContext } from '../../protocol.js';
import { smallValue } from '../../shared/request/small-value.js';

const RULE = 'affiant:provider-state';
const ALLOWED = 'or set `provider_state: allow` on the connection';
/** Members that make the provider add content it keeps, with what they name. */
const RESUMED: Readonly<Record<string, string>> = {
  previous_response_id: 'an earlier answer',
  conversation: 'a stored conversation',
  prompt: 'a stored prompt',
};

/** `type` says `item_reference`; the others name what they stand for. */
export const REFERRING = new Set(['type', 'file_id', 'file_ids', 'vector_store_ids', 'container', 'container_id']);

/** Content by reference: what it stands for was never screened. Given the members of messages and tools. */
export function refersElsewhere(key: string, text: string): boolean {
  return REFERRING.has(key) && (key !== 'type' || text === 'item_reference');
}

/**
 * A call that makes the provider keep an answer as it was before masking, or go on from content it keeps. Refused, because neither passes the gateway
 * again, unless the connection allows it. The Responses API keeps answers unless it is told not to.
 */
export function responsesRefusals(
  body: Buffer,
  members: readonly OutlineMember[],
  references: readonly string[],
  context: ScreenContext,
): readonly RuleOutcome[] {
  if (isAllowed(context)) return audioRefusals(body, members, context);
  const reasons: string[] = [];
  if (smallValue(body, members, 'store') !== false) {
    reasons.push(
      `the provider would keep the answer unmasked: send \`store: false\` (Agents SDK: modelSettings: { store: false }), ${ALLOWED}`,
    );
  }
  if (isSet(smallValue(body, members, 'background')))
    reasons.push(`a background answer is fetched later, unmasked: leave \`background\` out, ${ALLOWED}`);
  return [...refused([...reasons, ...resumed(body, members, references)]), ...audioRefusals(body, members, context)];
}

/** Chat Completions keep nothing unless asked to. */
export function chatRefusals(
  body: Buffer,
  members: readonly OutlineMember[],
  references: readonly string[],
  context: ScreenContext,
): readonly RuleOutcome[] {
  if (isAllowed(context)) return audioRefusals(body, members, context);
  const stores = isSet(smallValue(body, members, 'store'))
    ? [`the provider would keep the answer unmasked: leave \`store\` out, ${ALLOWED}`]
    : [];
  return [...refused([...stores, ...resumed(body, members, references)]), ...audioRefusals(body, members, context)];
}

function resumed(body: Buffer, members: readonly OutlineMember[], references: readonly string[]): string[] {
  const reasons: string[] = [];
  for (const [name, what] of Object.entries(RESUMED)) {
    if (members.some((member) => member.name === name) && smallValue(body, members, name) !== null)
      reasons.push(`\`${name}\` goes on from ${what} that was not screened here: send the content itself, ${ALLOWED}`);
  }
  if (references.length > 0)
    reasons.push(
      `an item, a file or a vector store is only named, not sent, so it cannot be screened: send the content itself, ${ALLOWED}`,
    );
  return reasons;
}

/** Speech cannot be masked. */
function audioRefusals(body: Buffer, members: readonly OutlineMember[], { policy }: ScreenContext): readonly RuleOutcome[] {
  const modalities = smallValue(body, members, 'modalities');
  const speaks = Array.isArray(modalities) && modalities.includes('audio');
  if (!speaks || (policy.responseDetector === null && !policy.readsResponseText)) return [];
  return [{ policy: 'affiant:audio', action: 'block', reason: 'a spoken answer cannot be masked: ask for text' }];
}

const isAllowed = ({ connection }: ScreenContext): boolean => connection?.provider_state === 'allow';

/** Present, and neither null nor false. Too large to be read counts as set. */
function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false;
}

const refused = (reasons: readonly string[]): RuleOutcome[] => reasons.map((reason) => ({ policy: RULE, action: 'block', reason }));
