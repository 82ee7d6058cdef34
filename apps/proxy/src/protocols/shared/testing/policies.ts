import { createHmac } from 'node:crypto';
import type { PolicyAction, RestorePlace } from '#config';
import { createDetector, createPlaceholder, type Detector, type Placeholder } from '#detect';
import type { RuleOutcome, SelectedPolicy, Verdict } from '#policy';
import type { ScreenContext } from '../../protocol.js';

const ALLOW: Verdict = { action: 'allow', rules: [] };

export interface TestPolicy {
  readonly types?: readonly string[];
  readonly detector?: Detector | null;
  readonly request?: PolicyAction;
  readonly response?: PolicyAction;
  readonly toolInput?: PolicyAction | 'off';
  readonly restore?: readonly RestorePlace[];
  /** Types whose originals are kept. */
  readonly keeps?: readonly string[];
  readonly when?: {
    readonly requestText?: readonly [RegExp, PolicyAction];
    readonly responseText?: readonly [RegExp, PolicyAction];
    readonly toolInput?: readonly [RegExp, PolicyAction];
    readonly model?: readonly [string, PolicyAction];
  };
}

/** Types of the list; names are those of the detect library. */
export const ALL_TYPES = ['us_ssn', 'credit_card', 'us_aba_routing', 'us_bank_account', 'iban', 'email', 'phone', 'secret'] as const;

function outcome(policy: string, action: PolicyAction, reason: string): RuleOutcome {
  return action === 'hold'
    ? { policy, action, reason, approvers: { group: 'owners', quorum: 1, not: 'requester', expires: 900_000 } }
    : { policy, action, reason };
}

function condition(rule: readonly [RegExp, PolicyAction] | undefined, text: string, name: string): Verdict {
  if (rule === undefined || !rule[0].test(text)) return ALLOW;
  return { action: rule[1], rules: [outcome(name, rule[1], `${name} matches`)] };
}

/** A policy as the policy library would select it, spelled out for one test. */
export function testPolicy(options: TestPolicy = {}): SelectedPolicy {
  const detector = options.detector === undefined ? createDetector(options.types ?? ALL_TYPES) : options.detector;
  const { when = {} } = options;
  const actions = {
    request: options.request ?? 'mask',
    response: options.response ?? 'mask',
    tool_input: options.toolInput ?? 'block',
  } as const;
  return {
    requestDetector: detector,
    responseDetector: detector,
    toolInputDetector: options.toolInput === 'off' ? null : detector,
    actionFor: (place) => ({ action: actions[place] === 'off' ? 'allow' : actions[place], policy: 'customer-data' }),
    restores: options.restore !== undefined,
    restoredBy: (place) => (options.restore?.includes(place) === true ? 'customer-data' : null),
    evaluateRequest: ({ model }) =>
      when.model !== undefined && model === when.model[0]
        ? { action: when.model[1], rules: [outcome('models', when.model[1], 'model named')] }
        : ALLOW,
    readsRequestText: when.requestText !== undefined,
    evaluateRequestText: (text) => condition(when.requestText, text, 'request-text'),
    readsToolInput: when.toolInput !== undefined,
    evaluateToolInput: (_tool, json) => condition(when.toolInput, json, 'tool-input'),
    keepsOriginals: options.keeps !== undefined,
    keepsOriginal: (type) => options.keeps?.includes(type) === true,
    readsResponseText: when.responseText !== undefined,
    evaluateResponseText: (text) => condition(when.responseText, text, 'response-text'),
  };
}

export const testPlaceholder: Placeholder = createPlaceholder(createHmac('sha256', 'test').update('placeholder').digest());

export function testContext(options: TestPolicy = {}): ScreenContext {
  return {
    policy: testPolicy(options),
    placeholder: testPlaceholder,
    cacheScope: JSON.stringify(
      { ...options, detector: options.detector === null ? null : options.detector?.version },
      (_, value: unknown) => (value instanceof RegExp ? value.source : value),
    ),
  };
}
