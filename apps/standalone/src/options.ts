import { parseArgs } from 'node:util';
import { AffiantError } from '#errors';

export interface StartOptions {
  readonly config: string | null;
  readonly state: string;
  readonly demo: boolean;
}

export const USAGE = `npm start -- [--config FILE] [--state DIR] [--no-demo]

  --config FILE   configuration (default: ./affiant.yaml when it is there)
  --state DIR     where everything is kept (default: ./var)
  --no-demo       no demonstration, also on a first run without configuration
  --help          this text

Without a configuration file and without ANTHROPIC_API_KEY the first run is a demonstration with a simulated provider.`;

/** @throws AffiantError usage_invalid */
export function readOptions(args: readonly string[]): StartOptions | 'help' {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        config: { type: 'string' },
        state: { type: 'string', default: './var' },
        'no-demo': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return 'help';
    return { config: values.config ?? null, state: values.state, demo: !values['no-demo'] };
  } catch (cause) {
    throw new AffiantError('usage_invalid', (cause as Error).message, { remedy: USAGE });
  }
}
