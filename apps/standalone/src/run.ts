import { existsSync } from 'node:fs';
import { defaultConfig, demoConfig, environment, loadConfig, watchConfig, type AffiantConfig } from '#config';
import { EXIT } from '#errors';
import { State } from '#service';
import { withFreePorts } from './compose/free-port.js';
import { composeStandalone, type Standalone } from './compose/standalone.js';
import type { Demo } from './demo/demo.js';
import { engineFlagsForServing } from '#observability';
import { readOptions, USAGE, type StartOptions } from './options.js';
import { farewell, greeting } from './screen.js';

const DEFAULT_FILE = './affiant.yaml';

/** Runs until SIGTERM or SIGINT; resolves to the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options === 'help') {
    process.stdout.write(`${USAGE}\n`);
    return EXIT.done;
  }
  const startedAt = performance.now();
  const progress = (step: string): void =>
    void process.stderr.write(`affiant: ${step} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)\n`);
  const stopAsked = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  const state = await State.open(options.state);
  let demo: Demo | null = null;
  // With its agent and its upstream only where it is shown.
  const demonstration = (): Promise<typeof import('./demo/demo.js')> => import('./demo/demo.js');
  let standalone: Standalone | null = null;
  try {
    const file = configFile(options);
    if (file === null && options.demo && !environment().hasAnthropicKey) demo = await (await demonstration()).prepareDemo(state);
    const config = await chooseConfig(file, demo);
    standalone = await composeStandalone({ state, config, progress });
    engineFlagsForServing();
    const stopWatching = file === null ? null : watchFile(file, standalone);
    await standalone.announce({ demo: demo === null ? 'off' : 'running' });
    process.stdout.write(greeting(standalone, config, demo !== null));
    const showing = demo === null ? Promise.resolve() : (await demonstration()).showDemo(demo, standalone, stopAsked);
    await stopAsked;
    stopWatching?.();
    await showing;
    return EXIT.done;
  } finally {
    process.stderr.write(farewell());
    await standalone?.stop();
    await demo?.close();
    await state.close();
  }
}

function configFile(options: StartOptions): string | null {
  if (options.config !== null) return options.config;
  return existsSync(DEFAULT_FILE) ? DEFAULT_FILE : null;
}

async function chooseConfig(file: string | null, demo: Demo | null): Promise<AffiantConfig> {
  if (file !== null) return loadConfig(file);
  if (demo === null) return defaultConfig();
  const config = demoConfig(demo);
  return { ...config, server: await withFreePorts(config.server) };
}

function watchFile(file: string, standalone: Standalone): () => void {
  return watchConfig(
    file,
    (config) => void standalone.reload(config),
    (error) => void standalone.rejected(error),
  );
}
