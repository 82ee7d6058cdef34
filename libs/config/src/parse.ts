import { LineCounter, isMap, isScalar, parseDocument, type Document, type Node } from 'yaml';
import type { z } from 'zod';
import { AffiantError } from '#errors';
import { nearest } from './nearest.js';
import { configSchema } from './schema.js';
import type { AffiantConfig } from './types.js';

/** Something wrong at a place of the file. Lines and columns count from 1. */
export interface ConfigProblem {
  readonly line: number;
  readonly column: number;
  /** e.g. `connections[0].upstream`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
}

export type CheckedConfig =
  | { readonly config: AffiantConfig; readonly problems: readonly [] }
  | { readonly config: null; readonly problems: readonly ConfigProblem[] };

const MAX_BYTES = 1024 * 1024;

/** Parses and validates; finds all problems, not only the first. Values are never echoed, because one may be a secret in the wrong place. */
export function checkConfig(text: string): CheckedConfig {
  if (Buffer.byteLength(text) > MAX_BYTES) return failed([{ line: 1, column: 1, path: '', message: 'the file is larger than 1 MB' }]);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false, strict: true });
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  if (document.errors.length > 0) {
    return failed(document.errors.map(({ pos, message }) => ({ ...at(pos[0]), path: '', message })));
  }
  let value: unknown;
  try {
    // Bounds alias expansion, so that a small file cannot grow without end.
    value = document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch {
    return failed([{ line: 1, column: 1, path: '', message: 'too many aliases' }]);
  }
  const result = configSchema.safeParse(value ?? {});
  if (result.success) return { config: result.data, problems: [] };
  return failed(result.error.issues.flatMap((issue) => describe(issue, document, at)));
}

/** @throws AffiantError config_invalid that names every problem; `where` is the first one's `file:line:column`. */
export function parseConfig(text: string, file: string): AffiantConfig {
  const { config, problems } = checkConfig(text);
  if (config !== null) return config;
  const told = problems.map(({ line, column, path, message }) => `${file}:${line}:${column}${path === '' ? '' : ` ${path}`}: ${message}`);
  const [first] = problems;
  throw new AffiantError('config_invalid', told.join('\n'), {
    where: first === undefined ? file : `${file}:${first.line}:${first.column}`,
  });
}

const failed = (problems: readonly ConfigProblem[]): CheckedConfig => ({ config: null, problems });

type Place = (offset: number) => { line: number; column: number };

function describe(issue: z.core.$ZodIssue, document: Document, at: Place): ConfigProblem[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(path);
    return issue.keys.map((key) => {
      const hint = nearest(key, known);
      return {
        ...at(keyOffset(document, path, key)),
        path: toPath([...path, key]),
        message: `unknown key${hint === null ? '' : `; did you mean ${hint}?`}`,
      };
    });
  }
  const message = issue.code === 'invalid_value' ? `must be one of ${issue.values.map(String).join(', ')}` : issue.message;
  return [{ ...at(valueOffset(document, path)), path: toPath(path), message }];
}

const toPath = (path: readonly (string | number)[]): string =>
  path.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`), '');

function nodeAt(document: Document, path: readonly (string | number)[]): Node | null {
  return path.length === 0 ? (document.contents as Node | null) : ((document.getIn(path, true) as Node | undefined) ?? null);
}

/** Offset of the value, or of the nearest thing around it that is there. */
function valueOffset(document: Document, path: readonly (string | number)[]): number {
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const offset = nodeAt(document, path.slice(0, depth))?.range?.[0];
    if (offset !== undefined) return offset;
  }
  return 0;
}

function keyOffset(document: Document, path: readonly (string | number)[], key: string): number {
  const map = nodeAt(document, path);
  if (isMap(map)) for (const pair of map.items) if (isScalar(pair.key) && pair.key.value === key) return pair.key.range?.[0] ?? 0;
  return valueOffset(document, path);
}

/** Keys that are allowed at a path, for the hint. */
function knownKeys(path: readonly (string | number)[]): string[] {
  let at: unknown = configSchema;
  for (const part of path) at = typeof part === 'number' ? unwrap(at)?.element : unwrap(at)?.shape?.[part];
  return Object.keys(unwrap(at)?.shape ?? {});
}

interface Introspected {
  readonly shape?: Record<string, unknown>;
  readonly element?: unknown;
  readonly def?: { readonly innerType?: unknown; readonly in?: unknown };
}

function unwrap(schema: unknown): Introspected | undefined {
  let at = schema as Introspected | undefined;
  while (at !== undefined && at.shape === undefined && at.element === undefined && (at.def?.innerType ?? at.def?.in) !== undefined)
    at = (at.def?.innerType ?? at.def?.in) as Introspected;
  return at;
}
