import { defineConfig } from 'vitest/config';

const shared = {
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
};

export default defineConfig({
  ...shared,
  test: {
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
