import type { RestorePlace } from '#config';
import type { ValueRule } from './rules.js';

/**
 * The policy that gives values of a type back in a place; null when one that does anything about the type, in the request or in that place, does not say so.
 * @param wanting the rules that want the very value in the request
 * @param all every rule that applies to the caller
 */
export function restorer(place: RestorePlace, entity: string, wanting: readonly ValueRule[], all: readonly ValueRule[]): string | null {
  const names = ({ types, actions }: ValueRule, where: 'request' | 'response' | 'tool_input'): boolean =>
    types.includes(entity) && actions[where] !== undefined && actions[where] !== 'allow';
  const answer = place === 'text' ? 'response' : 'tool_input';
  const concerned = [...wanting.filter((rule) => names(rule, 'request')), ...all.filter((rule) => names(rule, answer))];
  if (!concerned.every(({ restore }) => restore.includes(place))) return null;
  return concerned.find((rule) => names(rule, 'request'))?.policy ?? null;
}
