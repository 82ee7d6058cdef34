import { loadSchemas } from '../schemas.js';

type Node =
  string | Node[] | { type: Node; name?: string; items?: Node; fields?: { name: string; type: Node; doc?: string }[]; doc?: string };

const PRIMITIVES: Record<string, string> = {
  string: 'string',
  long: 'number',
  int: 'number',
  double: 'number',
  boolean: 'boolean',
  bytes: 'Buffer',
  null: 'null',
};

/** TypeScript types of the bundled schemas; `types.ts` is this text, and a test proves it current. */
export function generateTypes(): string {
  const declared = new Map<string, string>();
  for (const { schema } of loadSchemas()) typeOf(schema as Node, declared);
  return `// Generated from schemas/*.avsc by \`npm run types:events\`. Do not edit.\n\n${[...declared.values()].join('\n')}`;
}

const shortName = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

function typeOf(node: Node, declared: Map<string, string>): string {
  if (typeof node === 'string') return PRIMITIVES[node] ?? shortName(node);
  if (Array.isArray(node)) return node.map((branch) => typeOf(branch, declared)).join(' | ');
  if (node.type === 'array') return `readonly ${wrapUnion(typeOf(node.items ?? 'null', declared))}[]`;
  if (node.type === 'fixed') {
    declareOnce(node, declared, () => `export type ${shortName(node.name ?? '')} = Buffer;\n`);
    return shortName(node.name ?? '');
  }
  if (node.type === 'record') {
    declareOnce(node, declared, () => {
      const fields = (node.fields ?? []).map((field) => {
        const doc = field.doc === undefined ? '' : `  /** ${field.doc} */\n`;
        return `${doc}  readonly ${field.name}: ${typeOf(field.type, declared)};\n`;
      });
      const doc = node.doc === undefined ? '' : `/** ${node.doc} */\n`;
      return `${doc}export interface ${shortName(node.name ?? '')} {\n${fields.join('')}}\n`;
    });
    return shortName(node.name ?? '');
  }
  return typeOf(node.type, declared);
}

const wrapUnion = (type: string): string => (type.includes('|') ? `(${type})` : type);

function declareOnce(node: { name?: string }, declared: Map<string, string>, text: () => string): void {
  const name = shortName(node.name ?? '');
  if (declared.has(name)) return;
  declared.set(name, '');
  const body = text();
  declared.delete(name);
  declared.set(name, body);
}
