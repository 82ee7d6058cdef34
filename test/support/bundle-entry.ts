import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { packageRoot } from '#config';

/** Bundles a TypeScript entry for a child process or a worker of a test; the place lets it find the package and its dependencies. */
export async function bundleEntry(entry: string, name: string): Promise<string> {
  const file = join(packageRoot, 'node_modules', '.cache', 'affiant-tests', `${name}-${process.pid}.mjs`);
  const bundle = await rolldown({
    input: entry,
    platform: 'node',
    external: (id) => !id.startsWith('.') && !id.startsWith('/') && !id.startsWith('#'),
    resolve: { conditionNames: ['source', 'import', 'node', 'default'] },
    logLevel: 'silent',
  });
  await bundle.write({ file, format: 'esm' });
  await bundle.close();
  return file;
}
