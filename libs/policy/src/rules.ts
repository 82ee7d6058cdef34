import type { RE2JS } from 're2js';
import type { ApproversConfig, PolicyAction, PolicyCondition, PolicyConfig, RestorePlace } from '#config';
import type { Exceptions } from './exceptions.js';

/** Where a value can be found. */
export const PLACES = ['request', 'response', 'tool_input'] as const;
export type Place = (typeof PLACES)[number];

/** A policy with `detect`: what to do with values of these types in each place. Absent = this policy does not look there. */
export interface ValueRule {
  readonly policy: string;
  readonly types: readonly string[];
  readonly actions: Readonly<Partial<Record<Place, PolicyAction>>>;
  readonly approvers?: ApproversConfig;
  /** Where values it masks in a request are given back. */
  readonly restore: readonly RestorePlace[];
  /** Candidates below it are left alone; absent = the detectors' own default. */
  readonly minScore?: number;
  /** What is masked under it is also kept, sealed. */
  readonly keepsOriginal: boolean;
  readonly excepts: Exceptions | null;
  /** Equal where the exceptions are. */
  readonly exceptKey: string;
}

/** When a condition can be judged: with what is known before the body, with each text, with a whole tool call. */
export type Stage = 'request' | 'request_text' | 'response_text' | 'tool_call';

/** A policy with `when` and `action`. */
export interface ConditionRule {
  readonly policy: string;
  readonly stages: readonly Stage[];
  readonly action: PolicyAction;
  readonly approvers?: ApproversConfig;
  readonly model?: RE2JS;
  readonly tool?: RE2JS;
  /** Of the request's text, the response's text or the tool's input, by stage. */
  readonly text?: RE2JS;
  /** Plain words for the reason; never a value. */
  readonly reason: string;
}

/** Whom and where a policy applies to. */
export interface Scope {
  readonly connections: readonly string[] | null;
  /** One of these must hold; several lists: one of each. */
  readonly principals: readonly (readonly string[])[];
}

export interface CompiledPolicy {
  readonly scope: Scope;
  readonly values: ValueRule | null;
  readonly condition: ConditionRule | null;
}

/** Which stages judge a condition. A tool alone: refused as soon as it is offered, held when it is called. */
export function stagesOf(when: PolicyCondition, action: PolicyAction): readonly Stage[] {
  if (when.request_text !== undefined) return ['request_text'];
  if (when.response_text !== undefined) return ['response_text'];
  if (when.tool_input !== undefined) return ['tool_call'];
  if (when.tool === undefined || when.model !== undefined) return ['request'];
  return action === 'block' ? ['request', 'tool_call'] : ['tool_call'];
}

/** What cannot be judged together, because it is known at different moments. Null when it can. */
export function conflict(when: PolicyCondition): string | null {
  const texts = (['request_text', 'response_text', 'tool_input'] as const).filter((key) => when[key] !== undefined);
  if (texts.length > 1) return `${texts.join(' and ')} are known at different moments; write one policy for each`;
  const [text] = texts;
  if (text !== undefined && when.model !== undefined)
    return `model cannot be combined with ${text}; use connections or principals to narrow the policy`;
  if (text !== undefined && text !== 'tool_input' && when.tool !== undefined) return `tool cannot be combined with ${text}`;
  return null;
}

export function scopeOf(policy: PolicyConfig): Scope {
  const principals: (readonly string[])[] = [];
  if (policy.principals !== undefined) principals.push(policy.principals);
  if (policy.when?.principal !== undefined) principals.push([policy.when.principal]);
  return { connections: policy.connections ?? null, principals };
}
