import 'reflect-metadata';
import { errorText, exitCodeOf, isAffiantError } from '#errors';
import { engineFlagsForStart } from '#observability';

engineFlagsForStart();
try {
  const { run } = await import('./run.js');
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  if (!isAffiantError(error)) throw error;
  process.stderr.write(`affiant: ${errorText(error)}`);
  process.exitCode = exitCodeOf(error);
}
// Whatever a library left open must not keep a drained process alive.
process.exit();
