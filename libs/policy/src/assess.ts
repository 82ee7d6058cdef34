import { createHash } from 'node:crypto';
import { DEFAULT_MIN_SCORE, type Assessor } from '#detect';
import type { ValueRule } from './rules.js';

/**
 * Says of a candidate which policies want it: those that name its type, whose `min_score` it reaches and that do not except its value. A grade stands for
 * one such set of policies.
 */
export class PolicyAssessor implements Assessor {
  readonly key: string;
  private readonly grades = new Map<string, number>();
  private readonly sets: (readonly ValueRule[])[] = [[]];

  private constructor(private readonly rules: readonly ValueRule[]) {
    const parts = rules.map(({ policy, types, actions, minScore, exceptKey }) => [policy, types, actions, minScore, exceptKey]);
    this.key = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  }

  /** Null when no policy asks for more than types: detectors are then shared, and as quick as can be. */
  static of(rules: readonly ValueRule[]): PolicyAssessor | null {
    return rules.some(({ minScore, excepts }) => minScore !== undefined || excepts !== null) ? new PolicyAssessor(rules) : null;
  }

  assess(type: string, score: number, value: string): number {
    const wanting: number[] = [];
    for (const [index, rule] of this.rules.entries()) {
      if (!rule.types.includes(type) || score < (rule.minScore ?? DEFAULT_MIN_SCORE)) continue;
      // A row of digits that could hide anything comes without a value, and no exception is meant for it.
      if (value === '' || rule.excepts === null || !rule.excepts.has(type, value)) wanting.push(index);
    }
    return wanting.length === 0 ? 0 : this.gradeOf(wanting);
  }

  /** The policies a grade stands for. */
  wanting(grade: number): readonly ValueRule[] {
    return this.sets[grade] ?? this.rules;
  }

  private gradeOf(wanting: readonly number[]): number {
    const key = wanting.join();
    let grade = this.grades.get(key);
    if (grade === undefined) {
      grade = this.sets.push(wanting.map((index) => this.rules[index] as ValueRule)) - 1;
      this.grades.set(key, grade);
    }
    return grade;
  }
}
