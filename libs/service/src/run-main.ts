import { errorText, exitCodeOf, isAffiantError } from '#errors';
import { runService } from './run-service.js';
import type { Section } from './sections.js';
import type { ServiceDefinition } from './service.js';

/** The whole of a service's `main.ts`: runs it with the arguments of the process and ends the process with its exit code. */
export async function runMain<S extends Section>(definition: ServiceDefinition<S>): Promise<void> {
  try {
    process.exitCode = await runService(definition, process.argv.slice(2));
  } catch (error) {
    if (!isAffiantError(error)) throw error;
    process.stderr.write(`affiant ${definition.name}: ${errorText(error)}`);
    process.exitCode = exitCodeOf(error);
  }
  // Whatever a library left open must not keep a drained process alive.
  process.exit();
}
