import type { ApproversConfig, PolicyAction, RestorePlace } from '#config';
import { createDetector, type CompiledPattern, type Detector } from '#detect';
import { toAffiantError } from '#errors';
import type { RE2JS } from 're2js';
import { PolicyAssessor } from './assess.js';
import { restorer } from './restore.js';
import type { CompiledPolicy, ConditionRule, Place, Stage, ValueRule } from './rules.js';
import { ALLOWED, strongest, verdictOver } from './strength.js';
import type { RuleOutcome, SelectedPolicy, Verdict } from './port.js';

interface EntityAction {
  readonly action: PolicyAction;
  readonly policy: string;
  readonly approvers?: ApproversConfig;
}

/** The policies that apply to one kind of caller on one connection. */
export class Selection implements SelectedPolicy {
  readonly requestDetector: Detector | null;
  readonly responseDetector: Detector | null;
  readonly toolInputDetector: Detector | null;
  readonly readsRequestText: boolean;
  readonly readsResponseText: boolean;
  readonly readsToolInput: boolean;
  readonly restores: boolean;
  private readonly kept: ReadonlySet<string>;
  private readonly actions: Readonly<Record<Place, ReadonlyMap<string, EntityAction>>>;
  private readonly values: readonly ValueRule[];
  private readonly assessors: Readonly<Record<Place, PolicyAssessor | null>>;
  private readonly stages: Readonly<Record<Stage, readonly ConditionRule[]>>;

  constructor(policies: readonly CompiledPolicy[], patterns: readonly CompiledPattern[]) {
    const values = policies.map((policy) => policy.values).filter((rule) => rule !== null);
    this.values = values;
    this.restores = values.some(({ restore }) => restore.length > 0);
    const conditions = policies.map(({ condition }) => condition).filter((rule) => rule !== null);
    this.kept = new Set(values.flatMap(({ keepsOriginal, types }) => (keepsOriginal ? types : [])));
    this.actions = eachPlace((place) => actionsIn(values, place));
    this.assessors = eachPlace((place) => PolicyAssessor.of(values.filter(({ actions }) => isSought(actions[place], place))));
    const at = (stage: Stage): readonly ConditionRule[] => conditions.filter(({ stages }) => stages.includes(stage));
    this.stages = {
      request: at('request'),
      request_text: at('request_text'),
      response_text: at('response_text'),
      tool_call: at('tool_call'),
    };
    this.requestDetector = this.detectorFor('request', patterns);
    this.responseDetector = this.detectorFor('response', patterns);
    this.toolInputDetector = this.detectorFor('tool_input', patterns);
    this.readsRequestText = this.stages.request_text.length > 0;
    this.readsResponseText = this.stages.response_text.length > 0;
    const stops = [...this.actions.tool_input.values()].some(({ action }) => action === 'hold' || action === 'block');
    this.readsToolInput = stops || this.stages.tool_call.length > 0;
  }

  actionFor(place: Place, entity: string, grade?: number): EntityAction {
    const assessor = this.assessors[place];
    if (grade !== undefined && assessor !== null) return actionsIn(assessor.wanting(grade), place).get(entity) ?? ALLOW;
    return this.actions[place].get(entity) ?? ALLOW;
  }

  restoredBy(place: RestorePlace, entity: string, grade?: number): string | null {
    const assessor = this.assessors.request;
    const wanting = grade !== undefined && assessor !== null ? assessor.wanting(grade) : this.values;
    return restorer(place, entity, wanting, this.values);
  }

  get keepsOriginals(): boolean {
    return this.kept.size > 0;
  }

  keepsOriginal(entity: string): boolean {
    return this.kept.has(entity);
  }

  evaluateRequest(facts: { readonly model: string | null; readonly tools: readonly string[] }): Verdict {
    return this.judge('request', ({ model, tool }) => {
      if (model !== undefined && (facts.model === null || !model.matches(facts.model))) return null;
      if (tool === undefined) return '';
      const offered = facts.tools.find((name) => tool.matches(name));
      return offered === undefined ? null : `tool ${named(offered)} is offered: `;
    });
  }

  evaluateRequestText(text: string): Verdict {
    return this.judge('request_text', (rule) => found(rule.text, text));
  }

  evaluateResponseText(text: string): Verdict {
    return this.judge('response_text', (rule) => found(rule.text, text));
  }

  evaluateToolInput(tool: string, inputJson: string): Verdict {
    let plain: string | null = null;
    return this.judge('tool_call', (rule) => {
      if (rule.tool !== undefined && !rule.tool.matches(tool)) return null;
      if (rule.text !== undefined && !rule.text.test(inputJson)) {
        // An escape must not hide what a rule looks for: "DROP\nTABLE" is written "DROP\\nTABLE" in JSON.
        plain ??= unescaped(inputJson);
        if (!rule.text.test(plain)) return null;
      }
      return `tool ${named(tool)}: `;
    });
  }

  /** @throws AffiantError policy_failed: the caller must refuse */
  private judge(stage: Stage, hit: (rule: ConditionRule) => string | null): Verdict {
    const rules = this.stages[stage];
    if (rules.length === 0) return ALLOWED;
    try {
      const outcomes: RuleOutcome[] = [];
      for (const rule of rules) {
        const where = hit(rule);
        if (where !== null) outcomes.push(outcome(rule, where));
      }
      return verdictOver(outcomes);
    } catch (error) {
      throw toAffiantError(error, 'policy_failed', `A ${stage} condition could not be evaluated.`);
    }
  }

  /** Tool inputs are also searched for values that policy allows: they are masked in the trail. */
  private detectorFor(place: Place, patterns: readonly CompiledPattern[]): Detector | null {
    const types = [...this.actions[place]].filter(([, { action }]) => isSought(action, place)).map(([type]) => type);
    return types.length === 0 ? null : createDetector(types, patterns, this.assessors[place]);
  }
}

const ALLOW: EntityAction = { action: 'allow', policy: '' };

function isSought(action: PolicyAction | undefined, place: Place): boolean {
  return action !== undefined && (action !== 'allow' || place === 'tool_input');
}

function eachPlace<T>(make: (place: Place) => T): Readonly<Record<Place, T>> {
  return { request: make('request'), response: make('response'), tool_input: make('tool_input') };
}

function actionsIn(rules: readonly ValueRule[], place: Place): ReadonlyMap<string, EntityAction> {
  const actions = new Map<string, EntityAction>();
  for (const { policy, types, actions: by, approvers } of rules) {
    const action = by[place];
    if (action === undefined) continue;
    for (const type of types) {
      const here: EntityAction = { action, policy, ...(action === 'hold' && approvers !== undefined ? { approvers } : {}) };
      const known = actions.get(type);
      actions.set(type, known === undefined ? here : (strongest([known, here]) as EntityAction));
    }
  }
  return actions;
}

function outcome({ policy, action, reason, approvers }: ConditionRule, where: string): RuleOutcome {
  return { policy, action, reason: where + reason, ...(action === 'hold' && approvers !== undefined ? { approvers } : {}) };
}

function found(regex: RE2JS | undefined, text: string): string | null {
  return regex !== undefined && regex.test(text) ? '' : null;
}

/** A tool's name as it may stand in a reason: the model chose it, so it is bounded and printable. */
function named(tool: string): string {
  return `"${tool.replace(/[^\w.:@/ -]/g, '?').slice(0, 64)}"`;
}

/** JSON text with the escapes of its strings resolved, for matching only. */
function unescaped(json: string): string {
  return json.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_, hex: string | undefined, letter: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }[letter] ?? letter;
  });
}
