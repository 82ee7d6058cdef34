import { createHash } from 'node:crypto';
import type { Principal } from '#events';
import { createDetector, ENTITY_TYPES } from '#detect';
import { canonicalJson } from './canonical-json.js';
import { compileInput, refuseProblems, type CompiledInput, type PolicyInput } from './compile.js';
import type { Scope } from './rules.js';
import { Selection } from './selected-policy.js';
import type { PolicySet, SelectedPolicy } from './port.js';

/** Callers (groups, connection) remembered; beyond that all are forgotten. */
const MAX_CALLERS = 4096;

/**
 * Compiles the policies of a configuration. Pure; the same input gives the same digest.
 * @throws AffiantError config_invalid that names every problem by its path
 */
export function compilePolicySet(input: PolicyInput, version: string): PolicySet {
  const compiled = compileInput(input);
  refuseProblems(compiled.problems);
  return new CompiledPolicySet(compiled, canonicalText(input, compiled), version);
}

/** Canonical JSON of policies, patterns and of what finds values: another detector is another policy. */
function canonicalText({ policies, patterns }: PolicyInput, compiled: CompiledInput): string {
  const types = [...ENTITY_TYPES, ...compiled.patterns.map(({ name }) => name)];
  return canonicalJson({ policies, patterns, detector: createDetector(types, compiled.patterns).version });
}

class CompiledPolicySet implements PolicySet {
  readonly digest: string;
  /** By caller. */
  private readonly callers = new Map<string, SelectedPolicy>();
  private readonly lastOf = new WeakMap<Principal, { readonly connection: string; readonly selected: SelectedPolicy }>();
  /** By the policies that apply: callers to whom the same apply share one selection, and with it the scan cache. */
  private readonly selections = new Map<string, SelectedPolicy>();
  private readonly namesSubjects: boolean;
  readonly keepsOriginals: boolean;

  constructor(
    private readonly compiled: CompiledInput,
    readonly text: string,
    readonly version: string,
  ) {
    this.digest = createHash('sha256').update(text).digest('hex');
    this.keepsOriginals = compiled.policies.some(({ values }) => values?.keepsOriginal === true);
    this.namesSubjects = compiled.policies.some(({ scope }) => scope.principals.flat().some((who) => who.startsWith('subject:')));
  }

  select(principal: Principal, connection: string): SelectedPolicy {
    // A principal is one object for as long as its token is remembered.
    const last = this.lastOf.get(principal);
    if (last?.connection === connection) return last.selected;
    const caller = JSON.stringify([connection, principal.groups, this.namesSubjects ? principal.subject : null]);
    let selected = this.callers.get(caller);
    if (selected === undefined) {
      selected = this.selectionFor(principal, connection);
      if (this.callers.size >= MAX_CALLERS) this.callers.clear();
      this.callers.set(caller, selected);
    }
    this.lastOf.set(principal, { connection, selected });
    return selected;
  }

  private selectionFor(principal: Principal, connection: string): SelectedPolicy {
    const applying = this.compiled.policies.filter(({ scope }) => applies(scope, principal, connection));
    const key = applying.map((policy) => this.compiled.policies.indexOf(policy)).join(',');
    let selected = this.selections.get(key);
    if (selected === undefined) {
      selected = new Selection(applying, this.compiled.patterns);
      if (this.selections.size >= MAX_CALLERS) this.selections.clear();
      this.selections.set(key, selected);
    }
    return selected;
  }
}

function applies(scope: Scope, principal: Principal, connection: string): boolean {
  if (scope.connections !== null && !scope.connections.includes(connection)) return false;
  return scope.principals.every((list) => list.some((who) => isNamed(who, principal)));
}

function isNamed(who: string, principal: Principal): boolean {
  return who.startsWith('group:') ? principal.groups.includes(who.slice(6)) : who === `subject:${principal.subject}`;
}
