import type { LeafType } from './leaf.js';

/**
 * Kinds of control events whose leaf has a type of its own, so that somebody who has the leaves only sees what the ledger says of itself.
 * A name that ends with a dot stands for every kind that begins with it. Append only, and never a kind that an earlier build has recorded:
 * a leaf must come out the same whoever computes it (`key.created` is older than the types, and stays `control`).
 */
const OWN_TYPE: readonly (readonly [kind: string, type: LeafType])[] = [
  ['ledger.frontier', 'frontier'],
  ['ledger.gap', 'gap'],
  ['ledger.gap_closed', 'gap'],
  ['schema.', 'schema'],
  ['key.rotated', 'key'],
  ['key.retired', 'key'],
  ['key.lost', 'key'],
  ['key.compromised', 'key'],
  ['erasure.', 'erasure'],
  ['hold.', 'hold'],
  ['retention.', 'erasure'],
  ['epoch.', 'epoch'],
  ['exchange.aborted', 'aborted'],
  ['exchange.answered', 'aborted'],
];

const exact = new Map(OWN_TYPE.filter(([kind]) => !kind.endsWith('.')));
const families = new Map(OWN_TYPE.filter(([kind]) => kind.endsWith('.')));

/** Type of the leaf of a control event, by its `kind`: `control` unless the kind has a type of its own. */
export function controlLeafType(kind: string): LeafType {
  return exact.get(kind) ?? families.get(kind.slice(0, kind.indexOf('.') + 1)) ?? 'control';
}
