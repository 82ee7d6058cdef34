import type { RestorePlace } from '#config';
import type { RuleOutcome } from '#policy';
import { masksOf, mergeFindings, outcomesOf, verdictOf, type Finding, type Findings } from '../../../mask/findings.js';
import { isRestoration } from '../../../mask/restorer.js';
import type { Replacement } from '../../../mask/stream-masker.js';
import type { Leak, ResponseFacts, Restored } from '../../protocol.js';

interface Usage {
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  readonly cache_read_input_tokens?: number;
  readonly cache_creation_input_tokens?: number;
}

/** Gathers what the response says about itself, and what was found in it. */
export class FactsOfResponse {
  model: string | null = null;
  stopReason: string | null = null;
  upstreamError: { readonly type: string; readonly message: string } | null = null;
  complete = false;
  readonly toolCalls: string[] = [];
  private readonly leaks: Leak[] = [];
  private readonly restored: Restored[] = [];
  private inputTokens: number | null = null;
  private outputTokens: number | null = null;
  private cacheReadTokens: number | null = null;
  private cacheCreationTokens: number | null = null;
  private readonly toolFindings: (readonly Finding[])[] = [];
  private readonly outcomes: RuleOutcome[] = [];

  constructor(private readonly textFindings: Findings) {}

  /** Later counts overrule earlier ones: message_delta is cumulative. */
  usage(usage: unknown): void {
    if (typeof usage !== 'object' || usage === null) return;
    const counts = usage as Usage;
    this.inputTokens = count(counts.input_tokens) ?? this.inputTokens;
    this.outputTokens = count(counts.output_tokens) ?? this.outputTokens;
    this.cacheReadTokens = count(counts.cache_read_input_tokens) ?? this.cacheReadTokens;
    this.cacheCreationTokens = count(counts.cache_creation_input_tokens) ?? this.cacheCreationTokens;
  }

  judged(findings: readonly Finding[], outcomes: readonly RuleOutcome[]): void {
    this.toolFindings.push(findings);
    this.outcomes.push(...outcomes);
  }

  /** A value lay across two texts, and `policy` wanted it kept. */
  leaked(entity: string, rule: string, policy: string): void {
    const known = this.leaks.find((leak) => leak.entity === entity && leak.rule === rule && leak.policy === policy);
    if (known === undefined) this.leaks.push({ entity, rule, policy, count: 1 });
    else known.count++;
  }

  /** Counts what gives way to the caller's own values. */
  gaveBack(place: RestorePlace, replacements: readonly Replacement[]): void {
    for (const replacement of replacements) {
      if (!isRestoration(replacement)) continue;
      const { type: entity, by: policy } = replacement;
      const known = this.restored.find((one) => one.entity === entity && one.policy === policy && one.place === place);
      if (known === undefined) this.restored.push({ entity, policy, place, count: 1 });
      else known.count++;
    }
  }

  facts(): ResponseFacts {
    const findings = mergeFindings([this.textFindings.list(), ...this.toolFindings]);
    return {
      model: this.model,
      stopReason: this.stopReason,
      inputTokens: this.inputTokens,
      outputTokens: this.outputTokens,
      cacheReadTokens: this.cacheReadTokens,
      cacheCreationTokens: this.cacheCreationTokens,
      toolCalls: [...this.toolCalls],
      masks: masksOf(findings),
      rules: verdictOf([...outcomesOf(findings), ...this.outcomes]).rules,
      ...(this.leaks.length === 0 ? {} : { leaks: this.leaks }),
      ...(this.restored.length === 0 ? {} : { restored: this.restored }),
      upstreamError: this.upstreamError,
      complete: this.complete,
    };
  }
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** A member of a parsed value, when it is an object that has it. */
export function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

export function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
