import { parseArgs } from 'node:util';
import { AffiantError } from '#errors';

export interface ServiceOptions {
  readonly config: string;
  readonly state: string;
  /** Directory of the keys it shares with other services; null = `<state>/keys`. */
  readonly keys: string | null;
}

export const usageOf = (name: string): string => `node dist/apps/${name}/src/main.js --config FILE [--state DIR] [--keys DIR]

  --config FILE   configuration (docs/guide/run-distributed.md)
  --state DIR     journal, keys and what else it keeps (default: ./var/${name})
  --keys DIR      keys it shares with other services, e.g. a mounted secret (default: keys/ in the state directory)
  --help          this text`;

/** @throws AffiantError usage_invalid */
export function readServiceOptions(name: string, args: readonly string[]): ServiceOptions | 'help' {
  const remedy = usageOf(name);
  let values: { config?: string; state?: string; keys?: string; help?: boolean };
  try {
    const options = { config: { type: 'string' }, state: { type: 'string' }, keys: { type: 'string' }, help: { type: 'boolean' } } as const;
    ({ values } = parseArgs({ args: [...args], options }));
  } catch (cause) {
    throw new AffiantError('usage_invalid', (cause as Error).message, { remedy });
  }
  if (values.help === true) return 'help';
  if (values.config === undefined) throw new AffiantError('usage_invalid', '--config is missing', { remedy });
  return { config: values.config, state: values.state ?? `./var/${name}`, keys: values.keys ?? null };
}
