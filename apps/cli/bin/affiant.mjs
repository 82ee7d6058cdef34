#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../../dist/apps/cli/src/main.js', import.meta.url));
if (!existsSync(main)) {
  console.error('affiant: not built yet. Run `npm start` (or `npm ci && npm run build`) first.');
  process.exit(2);
}
await import(main);
