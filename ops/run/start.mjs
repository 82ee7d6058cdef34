// `npm start`: install, build, run. Plain Node without dependencies, because on a fresh clone there are none.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from './build.mjs';
import { checkNode, install, root } from './install.mjs';

const startedAt = Date.now();
const log = (line) => console.error(`affiant: ${line} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);

checkNode();
install('run', log);
build(log);
await import(pathToFileURL(join(root, 'dist/apps/standalone/src/main.js')).href);
