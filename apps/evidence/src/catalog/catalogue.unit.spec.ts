import { describe, expect, it } from 'vitest';
import { contextOf } from '../render/compose/context.js';
import { composePacket } from '../render/compose/compose.js';
import { sampleModel } from '../testing/sample-model.js';
import { catalogueOf } from './catalogue.js';

const FRAMEWORKS = ['ffiec', 'nist-800-53'] as const;

describe.each(FRAMEWORKS)('catalogue of %s', (framework) => {
  const catalogue = catalogueOf(framework);

  it('has at least 18 controls with ids and keys of their own', () => {
    expect(catalogue.controls.length).toBeGreaterThanOrEqual(18);
    expect(new Set(catalogue.controls.map(({ id }) => id)).size).toBe(catalogue.controls.length);
    expect(new Set(catalogue.controls.map(({ key }) => key)).size).toBe(catalogue.controls.length);
  });

  it('gives every control a population, an exception count, limits and gates', () => {
    for (const control of catalogue.controls) {
      const check = catalogue.check(control.check);
      expect(catalogue.always.map(({ id }) => id)).toContain(check.population.query);
      expect(catalogue.always.map(({ id }) => id)).toContain(check.exceptions.query);
      expect(control.limits.length).toBeGreaterThan(20);
      expect(control.gates).toContain('G1');
      if (check.exceptionRows !== null) expect(catalogue.exceptionQueries.get(check.id)?.id).toBe(check.exceptionRows);
      if (check.sampleRows !== null) expect(catalogue.always.map(({ id }) => id)).toContain(check.sampleRows);
    }
  });

  it('reads only pinned records: every query is bounded by the tree size', () => {
    for (const query of [...catalogue.always, ...catalogue.exceptionQueries.values()]) {
      expect(query.sql, query.id).toContain('{tree_size}');
      expect(query.sql.replaceAll(/\{(tree_size|from|to|bucket:\w+)\}/g, ''), query.id).not.toMatch(/\{[a-z_]+\}/);
      expect(query.sql, query.id).not.toMatch(/\buniq\(|\bnow\(|\btoday\(|\brand/);
    }
  });

  it('never says in its pages what it cannot know', () => {
    const model = sampleModel({ framework });
    const text = JSON.stringify(composePacket(contextOf(model, 'ab'.repeat(32)))).toLowerCase();
    for (const word of ['immutable', 'compliant', 'certified', 'satisfies', 'worm', 'sr 11-7', 'safeguards rule'])
      expect(text).not.toContain(word);
  });
});

it('offers no TEST method where the assessment procedure has none', () => {
  const { controls } = catalogueOf('nist-800-53');
  for (const id of ['AU-06', 'AU-11']) expect(controls.find((control) => control.id === id)?.testable).toBe(false);
});
