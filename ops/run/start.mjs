// `npm start`: install, build, run. Plain Node without dependencies, because on a fresh clone there are none.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from './build.mjs';
import { checkNode, install, root } from './install.mjs';

const startedAt = Date.now();
const log = (line) => console.error(`affiant: ${line} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);

endWithNpm();
checkNode();
install('run', log);
build(log);
await import(pathToFileURL(join(root, 'dist/apps/standalone/src/main.js')).href);

/**
 * `exec` in the script puts this process in the place of the shell, which would not hand on the SIGTERM that npm hands to it. An npm that is killed hands on
 * nothing: then this process finds itself with another parent and stops in order. Started otherwise (a container, systemd) it has no npm to outlive.
 */
function endWithNpm() {
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event !== 'start' || process.env.npm_package_json !== join(root, 'package.json')) return;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, 1000);
  timer.unref();
}
