import { elementOf, type Container } from './container.js';
import type { Places } from './places.js';
import type { ReadLeaf } from './reader.js';
import type { StreamKind } from './text-streams.js';

/** Which text a string of a Chat Completions chunk continues; null when it is a value of its own. */
export function continuedBy(leaf: ReadLeaf, places: Places, toolAt: (slot: string) => string | undefined): StreamKind | null {
  const { inside, key, inToolInput } = leaf;
  if (inToolInput) return null;
  const call = elementOf(inside, 'tool_calls') ?? (inside.key === 'function_call' ? inside : null);
  if (call !== null) return key === 'arguments' || key === 'input' ? callInput(call, places, toolAt, key === 'arguments') : null;
  // In the delta itself or below it; annotations are whole values.
  for (let at: Container | null = inside; at !== null && at.key !== 'annotations'; at = at.parent) {
    if (at.key === 'delta')
      return { slot: places.slotOf(at), key: inside === at ? key : `${inside.key}.${key}`, tool: null, isJson: false };
  }
  return null;
}

/** The input of a call that a chunk begins or goes on with. */
export function callInput(call: Container, places: Places, toolAt: (slot: string) => string | undefined, isJson = true): StreamKind {
  const slot = slotOfCall(call, places);
  return { slot, key: isJson ? 'input' : 'text input', tool: toolAt(slot) ?? '', isJson };
}

export function slotOfCall(call: Container, places: Places): string {
  const slot = places.slotOf(call);
  return call.key === 'function_call' ? `${slot}.f` : slot;
}
