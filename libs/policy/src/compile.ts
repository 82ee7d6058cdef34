import type { RE2JS } from 're2js';
import type { AffiantConfig, PatternConfig, PolicyConfig } from '#config';
import { compilePattern, compileRegex, isEntityType, MAX_PATTERNS, type CompiledPattern } from '#detect';
import { AffiantError, isAffiantError } from '#errors';
import { exceptionsOf } from './exceptions.js';
import { conflict, PLACES, scopeOf, stagesOf, type CompiledPolicy, type ConditionRule, type ValueRule } from './rules.js';

/** What policies are made of. */
export type PolicyInput = Pick<AffiantConfig, 'policies' | 'patterns'>;

/** Something that keeps a policy from being used, at a path such as `policies[0].when.tool_input`. */
export interface PolicyProblem {
  readonly path: string;
  readonly message: string;
}

export interface CompiledInput {
  readonly policies: readonly CompiledPolicy[];
  readonly patterns: readonly CompiledPattern[];
  readonly problems: readonly PolicyProblem[];
}

/** Compiles everything and reports all that is wrong, not only the first. */
export function compileInput(input: PolicyInput): CompiledInput {
  const compiler = new Compiler();
  const patterns = input.patterns
    .map((pattern, index) => compiler.pattern(pattern, `patterns[${index}]`))
    .filter((pattern) => pattern !== null);
  if (patterns.length > MAX_PATTERNS) compiler.refuse('patterns', `${patterns.length} patterns; the limit is ${MAX_PATTERNS}`);
  const names = new Set(input.patterns.map(({ name }) => name));
  const policies = input.policies.map((policy, index) => compiler.policy(policy, `policies[${index}]`, names));
  return { policies, patterns, problems: compiler.problems };
}

/** A `*` after a letter, digit, dash or underscore: somebody meant a file-name pattern, and as a regular expression it would match nothing. */
const GLOB = /[A-Za-z0-9_-]\*/;

class Compiler {
  readonly problems: PolicyProblem[] = [];

  refuse(path: string, message: string): null {
    this.problems.push({ path, message });
    return null;
  }

  pattern(pattern: PatternConfig, path: string): CompiledPattern | null {
    return this.attempt(pattern.words === undefined ? `${path}.regex` : `${path}.words`, () => compilePattern(pattern));
  }

  policy(policy: PolicyConfig, path: string, patterns: ReadonlySet<string>): CompiledPolicy {
    const values = policy.detect === undefined ? null : this.values(policy, policy.detect, path, patterns);
    const condition = values === null && policy.when !== undefined ? this.condition(policy, path) : null;
    if (policy.detect === undefined && policy.when === undefined) this.refuse(path, 'needs detect (values) or when (conditions)');
    if (holds(policy) && policy.approvers === undefined) this.refuse(path, 'hold needs approvers');
    return { scope: scopeOf(policy), values, condition };
  }

  private values(policy: PolicyConfig, types: readonly string[], path: string, patterns: ReadonlySet<string>): ValueRule {
    for (const [index, type] of types.entries()) {
      if (!isEntityType(type) && !patterns.has(type))
        this.refuse(`${path}.detect[${index}]`, `there is no entity type or pattern "${type}"`);
    }
    const beyond = Object.keys(policy.when ?? {}).find((key) => key !== 'principal');
    if (beyond !== undefined)
      this.refuse(`${path}.when.${beyond}`, 'a policy that detects values can only be narrowed by principal; write a second policy');
    if (policy.action !== undefined)
      this.refuse(`${path}.action`, 'a policy that detects values says what to do under request, response and tool_input');
    const expressions = (policy.except_regex ?? [])
      .map((source, index) => this.regex(source, `${path}.except_regex[${index}]`))
      .filter((expression) => expression !== undefined);
    return {
      policy: policy.name,
      types,
      actions: { request: policy.request, response: policy.response, tool_input: policy.tool_input ?? 'block' },
      approvers: policy.approvers,
      restore: policy.restore ?? [],
      ...(policy.min_score === undefined ? {} : { minScore: policy.min_score }),
      keepsOriginal: policy.keep_original === 'sealed',
      excepts: exceptionsOf(types, policy.except ?? [], expressions),
      exceptKey: JSON.stringify([policy.except ?? [], policy.except_regex ?? []]),
    };
  }

  private condition(policy: PolicyConfig, path: string): ConditionRule | null {
    const when = policy.when ?? {};
    const { action = 'allow' } = policy;
    if (policy.action === undefined) this.refuse(path, 'when needs action');
    if (action === 'mask') this.refuse(`${path}.action`, 'a condition cannot mask; use detect for that');
    if (Object.keys(when).length === 0) this.refuse(`${path}.when`, 'must name at least one condition');
    const clash = conflict(when);
    if (clash !== null) this.refuse(`${path}.when`, clash);
    const text = when.request_text ?? when.response_text ?? when.tool_input;
    const key = when.request_text !== undefined ? 'request_text' : when.response_text !== undefined ? 'response_text' : 'tool_input';
    return {
      policy: policy.name,
      stages: stagesOf(when, action),
      action,
      approvers: policy.approvers,
      ...(text === undefined ? {} : { text: this.regex(text, `${path}.when.${key}`) }),
      ...(when.model === undefined ? {} : { model: this.name(when.model, `${path}.when.model`) }),
      ...(when.tool === undefined ? {} : { tool: this.name(when.tool, `${path}.when.tool`) }),
      reason: reasonOf(policy),
    };
  }

  /** A name must match as a whole. */
  private name(source: string, path: string): RE2JS | undefined {
    if (GLOB.test(source)) this.refuse(path, 'this is a regular expression, not a file-name pattern: write .* for "anything"');
    return this.regex(source, path);
  }

  private regex(source: string, path: string): RE2JS | undefined {
    return this.attempt(path, () => compileRegex(source, path)) ?? undefined;
  }

  private attempt<T>(path: string, compile: () => T): T | null {
    try {
      return compile();
    } catch (error) {
      if (!isAffiantError(error)) throw error;
      return this.refuse(path, error.message.replace(/^Pattern "[^"]*": |\.$/g, ''));
    }
  }
}

function holds(policy: PolicyConfig): boolean {
  return policy.action === 'hold' || PLACES.some((place) => policy[place] === 'hold');
}

function reasonOf({ when = {} }: PolicyConfig): string {
  const words: string[] = [];
  if (when.request_text !== undefined) words.push('the text of the request matches');
  if (when.response_text !== undefined) words.push('the text of the response matches');
  if (when.tool_input !== undefined) words.push('the input of the tool call matches');
  if (when.tool !== undefined) words.push('the tool is named in the policy');
  if (when.model !== undefined) words.push('the model is named in the policy');
  if (when.principal !== undefined) words.push('the caller is named in the policy');
  return words.join(', ');
}

/** @throws AffiantError config_invalid that names every problem */
export function refuseProblems(problems: readonly PolicyProblem[]): void {
  const [first] = problems;
  if (first === undefined) return;
  throw new AffiantError('config_invalid', problems.map(({ path, message }) => `${path}: ${message}`).join('\n'), { where: first.path });
}
