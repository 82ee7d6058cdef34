import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '#config';
import { ENTITY_TYPES } from '#detect';
import { checkPolicyFile } from './index.js';

const guide = readFileSync(join(packageRoot, 'docs/guide/write-a-policy.md'), 'utf8');
const examples = Array.from(guide.matchAll(/```yaml\n([\s\S]*?)```/g), ([, text]) => text as string);

describe('docs/guide/write-a-policy.md', () => {
  it.each(examples)('has an example that checks without a problem or a warning: %#', (text) => {
    const check = checkPolicyFile(text);
    expect([...check.problems, ...check.warnings]).toEqual([]);
    expect(check.policies).toBeGreaterThan(0);
  });

  it('describes every entity type', () => {
    for (const type of ENTITY_TYPES) expect(guide).toContain(`\`${type}\``);
  });
});
