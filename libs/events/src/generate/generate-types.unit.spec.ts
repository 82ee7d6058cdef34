import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { expect, it } from 'vitest';
import { packageRoot } from '#config';
import { generateTypes } from './generate-types.js';

it('types.ts is what the schemas say; `npm run types:events` and prettier renew it', async () => {
  const path = join(packageRoot, 'libs/events/src/types.ts');
  const expected = await format(generateTypes(), { ...(await resolveConfig(path)), parser: 'typescript' });
  expect(readFileSync(path, 'utf8')).toBe(expected);
});
