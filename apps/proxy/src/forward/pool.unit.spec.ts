import { Pool as PublicPool } from 'undici';
import { expect, it } from 'vitest';
import { Pool } from './pool.js';

it('is the pool undici exports', () => {
  expect(Pool).toBe(PublicPool);
});
