// Another version of all event schemas, as an earlier or later release would have them: each under an id of its own.
import { createHash } from 'node:crypto';

/**
 * @param schemas versions to begin with
 * @param change `firstId`: id of the first, the others follow in order; `without`: names of fields that it does not have;
 * `withFields`: fields it has more, by the short name of the record
 */
export function otherVersion(schemas, { firstId, without = [], withFields = {} }) {
  const changed = (node) => {
    if (Array.isArray(node)) return node.map(changed);
    if (typeof node !== 'object' || node === null) return node;
    const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, key === 'default' ? value : changed(value)]));
    if (copy.type !== 'record') return copy;
    const added = withFields[copy.name.slice(copy.name.lastIndexOf('.') + 1)] ?? [];
    return { ...copy, fields: [...copy.fields.filter(({ name }) => !without.includes(name)), ...added] };
  };
  return schemas.map((registered, index) => {
    const schema = changed(registered.schema);
    return { ...registered, id: firstId + index, schema, sha256: createHash('sha256').update(JSON.stringify(schema)).digest('hex') };
  });
}
