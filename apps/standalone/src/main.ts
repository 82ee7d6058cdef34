import 'reflect-metadata';
import { EXIT, isAffiantError } from '#errors';
import { run } from './run.js';

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  if (!isAffiantError(error)) throw error;
  process.stderr.write(
    `affiant: ${error.message}${error.where === undefined ? '' : ` (${error.where})`}\n  ${error.remedy} [${error.code}]\n`,
  );
  process.exitCode = ['config_invalid', 'config_secret_missing', 'usage_invalid', 'state_locked', 'key_invalid'].includes(error.code)
    ? EXIT.usage
    : EXIT.finding;
}
// Whatever a library left open must not keep a drained process alive.
process.exit();
