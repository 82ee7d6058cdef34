import { parseArgs } from 'node:util';
import { AffiantError } from '#errors';

export interface ServiceOptions {
  readonly config: string;
  readonly state: string;
}

export const usageOf = (name: string): string => `node dist/apps/${name}/src/main.js --config FILE [--state DIR]

  --config FILE   configuration (docs/guide/run-distributed.md)
  --state DIR     journal, keys and what else it keeps (default: ./var/${name})
  --help          this text`;

/** @throws AffiantError usage_invalid */
export function readServiceOptions(name: string, args: readonly string[]): ServiceOptions | 'help' {
  const remedy = usageOf(name);
  let values: { config?: string; state?: string; help?: boolean };
  try {
    const options = { config: { type: 'string' }, state: { type: 'string' }, help: { type: 'boolean' } } as const;
    ({ values } = parseArgs({ args: [...args], options }));
  } catch (cause) {
    throw new AffiantError('usage_invalid', (cause as Error).message, { remedy });
  }
  if (values.help === true) return 'help';
  if (values.config === undefined) throw new AffiantError('usage_invalid', '--config is missing', { remedy });
  return { config: values.config, state: values.state ?? `./var/${name}` };
}
