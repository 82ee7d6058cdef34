import { errorText, exitCodeOf, isAffiantError } from '#errors';
import { runWitness } from './run-witness.js';

try {
  process.exitCode = await runWitness(process.argv.slice(2));
} catch (error) {
  if (!isAffiantError(error)) throw error;
  process.stderr.write(`affiant witness: ${errorText(error)}`);
  process.exitCode = exitCodeOf(error);
}
