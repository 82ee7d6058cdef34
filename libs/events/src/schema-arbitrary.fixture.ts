import fc from 'fast-check';

type Schema =
  | string
  | readonly Schema[]
  | { readonly type: Schema; readonly name?: string; readonly size?: number; readonly items?: Schema; readonly fields?: readonly Field[] };
interface Field {
  readonly name: string;
  readonly type: Schema;
}

/** Any value that an Avro schema of ours allows, for property tests. */
export function arbitraryOf(schema: object): fc.Arbitrary<unknown> {
  return valueOf(schema as Schema, new Map());
}

function valueOf(schema: Schema, named: Map<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> {
  if (typeof schema === 'string') return named.get(schema) ?? primitive(schema);
  if (Array.isArray(schema)) return fc.oneof(...(schema as readonly Schema[]).map((branch) => valueOf(branch, named)));
  const { type, name = '', size = 0, items = 'null', fields = [] } = schema as Exclude<Schema, string | readonly Schema[]>;
  if (type === 'array') return fc.array(valueOf(items, named), { maxLength: 4 });
  if (type === 'fixed')
    return remember(
      named,
      name,
      fc.uint8Array({ minLength: size, maxLength: size }).map((bytes) => Buffer.from(bytes)),
    );
  if (type === 'record') {
    const members = fields.map((field) => [field.name, valueOf(field.type, named)] as const);
    return remember(named, name, fc.record(Object.fromEntries(members)));
  }
  return valueOf(type, named);
}

function remember(named: Map<string, fc.Arbitrary<unknown>>, name: string, value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const short = name.slice(name.lastIndexOf('.') + 1);
  named.set(short, value);
  named.set(`affiant.v1.${short}`, value);
  return value;
}

function primitive(type: string): fc.Arbitrary<unknown> {
  if (type === 'string') return fc.string({ unit: 'grapheme', maxLength: 80 });
  if (type === 'long') return fc.oneof(fc.integer(), fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 }));
  if (type === 'boolean') return fc.boolean();
  if (type === 'bytes') return fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  if (type === 'null') return fc.constant(null);
  throw new Error(`no arbitrary for ${type}`);
}
