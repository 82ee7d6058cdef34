import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const shared = {
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
};

export default defineConfig({
  ...shared,
  test: {
    // The default leaves a core free, and of two cores that is half: most integration tests wait for an engine.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        ...shared,
        test: { name: 'unit', include: ['{apps,libs}/**/*.unit.spec.ts'], pool: 'forks', testTimeout: 120_000, hookTimeout: 120_000 },
      },
      {
        ...shared,
        test: {
          name: 'int',
          include: ['{apps,libs}/**/*.int.spec.ts', 'test/contract/**/*.int.spec.ts'],
          pool: 'forks',
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
