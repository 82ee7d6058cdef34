import { AffiantError } from '#errors';
import type { EngineClient } from '../ledger/engine-client.js';
import type { Reader } from '../access/roles.js';
import { isAllowedTableFunction, isForbiddenFunction } from './forbidden-functions.js';
import { tokenise, type SqlToken } from './tokenise.js';

/** Statements a reader may run, by the root of their syntax tree. */
const ROOTS = [
  /^Select(WithUnion|IntersectExcept)?Query( |$)/,
  /^(Show(Tables|Columns|Functions|EngineQuery)|DescribeQuery|(ShowCreate|Exists)(Table|View|Database)Query)( |$)/,
  /^Explain EXPLAIN( AST| SYNTAX| QUERY TREE| PIPELINE| ESTIMATE)?( \(children \d+\))?$/,
];
const PREFIX = 'EXPLAIN AST\n';
const REMEDY = 'Use SELECT on the audit views; docs/reference/api.md names what readers may not call.';

/** What the gate found: nothing to object to, or an answer of the engine that is already the client's (a syntax error). */
export type GateResult = { readonly passed: true } | { readonly passed: false; readonly status: number; readonly text: string };

const refuse = (message: string): never => {
  throw new AffiantError('query_refused', message, { remedy: REMEDY });
};

/**
 * Looks at a query before it runs: first at its tokens, then at the syntax tree the engine itself makes of it (EXPLAIN AST parses
 * and evaluates nothing). The tree decides; the tokens are a second look, because some nodes of the tree do not show what they hold.
 * @throws AffiantError query_refused | engine_failed
 */
export async function passGate(engine: EngineClient, role: Reader, query: string, params: URLSearchParams): Promise<GateResult> {
  assertTokens(tokenise(query));
  const own = new URLSearchParams(params);
  own.set('default_format', 'TSV');
  for (const name of ['compress', 'enable_http_compression', 'send_progress_in_http_headers']) own.delete(name);
  const { status, text } = await engine.text({ role, query: PREFIX + query, params: own });
  if (status !== 200) return { passed: false, status, text: withoutPrefix(text) };
  assertTree(text);
  return { passed: true };
}

/** @throws AffiantError query_refused */
export function assertTokens(tokens: readonly SqlToken[]): void {
  tokens.forEach((token, index) => {
    if (token.kind !== 'word') return;
    const next = tokens[index + 1];
    const word = token.text.toLowerCase();
    if (next?.text === '(' && isForbiddenFunction(word)) refuse(`the function ${token.text} looks outside the ledger`);
    if (word === 'into' && next?.text.toLowerCase() === 'outfile') refuse('INTO OUTFILE writes a file');
  });
}

/** @throws AffiantError query_refused */
export function assertTree(tree: string): void {
  const lines = tree.split('\n');
  const root = lines[0] ?? '';
  if (!ROOTS.some((pattern) => pattern.test(root))) refuse('only queries that read are served (SELECT, SHOW, DESCRIBE, EXISTS, EXPLAIN)');
  let tableDepth = -1;
  for (const line of lines) {
    const depth = line.length - line.trimStart().length;
    const node = line.slice(depth);
    const inTablePlace = depth === tableDepth + 1;
    if (node.startsWith('TableExpression')) tableDepth = depth;
    else if (depth <= tableDepth) tableDepth = -1;
    if (node.startsWith('ColumnsApplyTransformer')) refuse('APPLY hides which function it calls');
    const name = /^Function (.*?)( \(alias .*\))?( \(children \d+\))?$/.exec(node)?.[1];
    if (name === undefined) continue;
    if (inTablePlace && tableDepth >= 0) {
      if (!isAllowedTableFunction(name)) refuse(`the table function ${name} is not one a reader may use`);
    } else if (isForbiddenFunction(name)) refuse(`the function ${name} looks outside the ledger`);
  }
}

/** Positions in a syntax error count from the client's own text. */
function withoutPrefix(text: string): string {
  return text
    .replace(/failed at position (\d+)/, (_all, position: string) => `failed at position ${Math.max(1, Number(position) - PREFIX.length)}`)
    .replace(/\(line (\d+), col/, (_all, line: string) => `(line ${Math.max(1, Number(line) - 1)}, col`);
}
