import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { defaultConfig } from '#config';
import { createDetector, createPlaceholder, maskText, type Detector } from '#detect';
import { AffiantError } from '#errors';
import { PolicyAssessor } from './assess.js';
import { compileInput, refuseProblems, type PolicyInput } from './compile.js';
import { PLACES } from './rules.js';

export interface MaskLinesOptions {
  /** Default: the policies used when no file names any. */
  readonly policies?: PolicyInput;
  /** Key of the placeholders; by default a new random one, so that nothing can be told about the values. */
  readonly key?: Buffer;
}

const input = z.object({ id: z.union([z.string(), z.number()]), text: z.string() });

/**
 * `affiant mask`: NDJSON `{id, text}` in, `{id, text, spans: [{type, start, end, rule, score}]}` out, line by line. `text` is masked; offsets are UTF-16
 * units of the text that came in. Looks for every type that some policy masks, holds or blocks somewhere. Empty lines are skipped.
 * @throws AffiantError config_invalid; usage_invalid for a line that is not such an object, with its number
 */
export async function* maskStreamLines(
  lines: AsyncIterable<string> | Iterable<string>,
  options: MaskLinesOptions = {},
): AsyncGenerator<string, void, undefined> {
  const detector = detectorOf(options.policies ?? defaultConfig());
  const placeholder = createPlaceholder(options.key ?? randomBytes(32));
  let number = 0;
  for await (const line of lines) {
    number++;
    if (line.trim() === '') continue;
    const { id, text } = read(line, number);
    const spans = detector?.scan(text) ?? [];
    yield JSON.stringify({
      id,
      text: maskText(text, spans, placeholder),
      spans: spans.map(({ type, start, end, rule, score }) => ({ type, start, end, rule, score })),
    });
  }
}

function detectorOf(policies: PolicyInput): Detector | null {
  const compiled = compileInput(policies);
  refuseProblems(compiled.problems);
  const values = compiled.policies.map((policy) => policy.values).filter((rule) => rule !== null);
  const acting = values.filter(({ actions }) => PLACES.some((place) => (actions[place] ?? 'allow') !== 'allow'));
  const types = [...new Set(acting.flatMap((rule) => rule.types))];
  return types.length === 0 ? null : createDetector(types, compiled.patterns, PolicyAssessor.of(acting));
}

function read(line: string, number: number): z.infer<typeof input> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new AffiantError('usage_invalid', 'The line is not JSON.', { where: `line ${number}`, cause });
  }
  const parsed = input.safeParse(value);
  if (!parsed.success) throw new AffiantError('usage_invalid', 'A line is {"id": ..., "text": "..."}.', { where: `line ${number}` });
  return parsed.data;
}
