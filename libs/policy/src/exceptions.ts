import type { RE2JS } from 're2js';
import { canonicalOf } from '#detect';

/** Values a policy leaves alone. */
export interface Exceptions {
  has(type: string, value: string): boolean;
}

/** Compares as placeholders do: without the separators of numbers and the case of addresses. Expressions must match the whole value. */
export function exceptionsOf(types: readonly string[], values: readonly string[], expressions: readonly RE2JS[]): Exceptions | null {
  if (values.length === 0 && expressions.length === 0) return null;
  const byType = new Map(types.map((type) => [type, new Set(values.map((value) => canonicalOf(type, value)))]));
  return {
    has: (type, value) =>
      byType.get(type)?.has(canonicalOf(type, value)) === true || expressions.some((expression) => expression.matches(value)),
  };
}
