import { environment, loadConfig } from '#config';
import { AffiantError, EXIT } from '#errors';
import { createLogger } from '#observability';
import { readServiceOptions, State, usageOf } from '#service';
import { openWitness } from './open-witness.js';

/**
 * Runs the witness until SIGTERM or SIGINT; resolves to the exit code. It has no engine, no event log and no identity: what it knows is its key,
 * the keys of the logs it watches and their newest heads.
 * @throws AffiantError config_invalid | key_invalid | state_locked
 */
export async function runWitness(args: readonly string[]): Promise<number> {
  const options = readServiceOptions('witness', args);
  if (options === 'help') {
    process.stdout.write(`${usageOf('witness')}\n`);
    return EXIT.done;
  }
  const { witness: config } = await loadConfig(options.config);
  if (config === undefined) throw new AffiantError('config_invalid', 'the section witness is missing', { where: options.config });
  const logger = createLogger('witness', { level: environment().logLevel });
  const stopping = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  const state = await State.open(options.state);
  try {
    const { url, vkey, close } = await openWitness({ config, directory: state.directory, keys: options.keys, logger });
    const run = { pid: process.pid, service: 'witness', url, vkey };
    await state.writeRun(run);
    process.stdout.write(`affiant witness ready: ${url}, key ${vkey}\n`);
    await stopping;
    await close();
    return EXIT.done;
  } finally {
    await state.close();
  }
}
