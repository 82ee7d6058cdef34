import { elementOf, toolName, type Container } from './container.js';
import type { DocumentReader, ReadLeaf } from './reader.js';

/** What a string of an answer is to policy. */
export type Place =
  | { readonly kind: 'text'; readonly slot: string }
  | { readonly kind: 'input'; readonly slot: string; readonly tool: string; readonly isJson: boolean }
  /** Part of a structured tool input. */
  | { readonly kind: 'action' }
  | { readonly kind: 'value' };

/** What the model says: the rest of an answer echoes the request, or was not written by the model. */
const SAID = new Set(['output', 'item', 'part', 'message']);
const TEXT = new Set(['text', 'refusal', 'transcript', 'content', 'reasoning', 'reasoning_content']);
const VALUE: Place = { kind: 'value' };
/** `response.<family>.done` and `.added` carry the whole of what their deltas carry in parts. */
const WHOLE_EVENT = /^response\.([a-z_.]+)\.(?:done|added)$/;

/** Says what the strings of a document are. `toolAt` names the tool of a call that was begun in an earlier event. */
export class Places {
  constructor(
    private readonly reader: DocumentReader,
    private readonly toolAt: (slot: string) => string | undefined,
  ) {}

  of(leaf: ReadLeaf): Place {
    if (leaf.inToolInput) return { kind: 'action' };
    const { inside, key } = leaf;
    if (inside.parent === null) return this.ofEvent(leaf);
    if (!isSaid(inside)) return VALUE;
    const slot = this.slotOf(inside);
    if (key === 'arguments') return { kind: 'input', slot, tool: toolName(inside), isJson: true };
    if (isPlainInput(key, inside)) return { kind: 'input', slot, tool: toolName(inside), isJson: false };
    return TEXT.has(key) ? { kind: 'text', slot } : VALUE;
  }

  /** Where in the answer a container is: the same in all events about it. */
  slotOf(inside: Container): string {
    const choice = elementOf(inside, 'choices');
    if (choice !== null) {
      const call = elementOf(inside, 'tool_calls');
      const at = `c${choice.index ?? choice.ordinal}`;
      return call === null ? at : `${at}.${call.index ?? call.ordinal}`;
    }
    return `o${outermost(inside, 'output')?.ordinal ?? this.reader.number('output_index') ?? -1}`;
  }

  private ofEvent({ inside, key }: ReadLeaf): Place {
    const family = WHOLE_EVENT.exec(inside.type)?.[1];
    if (family === undefined) return VALUE;
    const slot = this.slotOf(inside);
    const tool = this.toolAt(slot) ?? (inside.name === '' ? family : inside.name);
    if (key === 'arguments') return { kind: 'input', slot, tool, isJson: true };
    const isInput = isToolFamily(family) && (key === 'input' || key === 'code' || key === 'command' || key === 'diff');
    if (isInput) return { kind: 'input', slot, tool, isJson: false };
    return TEXT.has(key) ? { kind: 'text', slot } : VALUE;
  }
}

/** Items of a response follow each other; choices of a completion are alternatives. */
export function isInSequence(slot: string): boolean {
  return slot.startsWith('o');
}

/** True for events about what a tool is called with, false for what it answered. */
export function isToolFamily(family: string): boolean {
  return family.includes('_call_') && !family.includes('output');
}

function isPlainInput(key: string, inside: Container): boolean {
  if (key === 'input') return inside.type === 'custom_tool_call' || inside.key === 'custom';
  return key === 'code' && (inside.type === 'code_interpreter_call' || inside.type === 'program');
}

function isSaid(inside: Container): boolean {
  if (elementOf(inside, 'choices') !== null) return true;
  for (let at: Container | null = inside; at !== null; at = at.parent) if (SAID.has(at.key)) return true;
  return false;
}

/** The outermost element of an array with this name: outputs of tools have arrays of that name too. */
function outermost(from: Container, array: string): Container | null {
  const found = elementOf(from, array);
  return found === null ? null : (outermostAbove(found, array) ?? found);
}

function outermostAbove(found: Container, array: string): Container | null {
  const above = found.parent?.parent ?? null;
  return above === null ? null : outermost(above, array);
}
