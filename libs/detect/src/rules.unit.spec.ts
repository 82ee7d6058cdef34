import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createDetector, ENTITY_TYPES, RULES } from './index.js';
import { TOKEN_SOURCES } from './secrets/token-sources.js';
import { TOKEN_RULES } from './secrets/tokens.js';
import { SAMPLES } from './testing/samples.js';
import { TOKEN_SAMPLES } from './testing/token-samples.js';

describe('rules', () => {
  const rulesIn = (texts: readonly string[]): string[] =>
    texts.flatMap((text) =>
      createDetector(ENTITY_TYPES)
        .scan(`Look: ${text} - done`)
        .map(({ rule }) => rule),
    );
  const seen = new Set([...rulesIn(Object.values(SAMPLES).flat()), ...rulesIn(TOKEN_SAMPLES), ...rulesIn(['9'.repeat(80)])]);

  it('are all listed, with a version', () => {
    const listed = RULES.map(({ id }) => id);
    expect([...seen].filter((id) => !listed.includes(id))).toEqual([]);
    expect(new Set(listed).size).toBe(listed.length);
    for (const id of listed) expect(id).toMatch(/^[a-z0-9_.]+@\d+$/);
  });

  it('find each a sample', () => {
    expect(RULES.map(({ id }) => id).filter((id) => !seen.has(id))).toEqual([]);
  });

  it('say each where its form comes from, the rules of tokens their own', () => {
    expect(RULES.filter(({ provenance }) => provenance.trim() === '').map(({ id }) => id)).toEqual([]);
    const named = TOKEN_RULES.map(({ rule }) => rule.slice('secret.'.length, rule.lastIndexOf('@')));
    expect(Object.keys(TOKEN_SOURCES).sort()).toEqual([...named].sort());
    const sources = Object.values(TOKEN_SOURCES);
    expect(new Set(sources).size).toBe(sources.length);
    for (const source of sources) expect(source).toMatch(/gitleaks|kingfisher|^own: |^no published source found: /);
  });

  it('are documented as they are', () => {
    const page = readFileSync(new URL('../../../docs/reference/detectors.md', import.meta.url), 'utf8');
    const rows = page.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    for (const { id, type, provenance, finds } of RULES) {
      const row = rows.find((cells) => cells[2] === `\`${id}\``);
      expect(row, `${id}: run node test/masking/run.mjs --write`).toEqual(['', `\`${type}\``, `\`${id}\``, finds, provenance, '']);
    }
  });

  it('cover every type', () => {
    expect(ENTITY_TYPES.filter((type) => !RULES.some((rule) => rule.type === type))).toEqual([]);
  });
});
