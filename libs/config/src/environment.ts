/** What the product takes from the environment. This file is the only reader of process.env. */
export interface Environment {
  /** AFFIANT_TOKEN: access token of the CLI. */
  readonly token: string | null;
  /** AFFIANT_CONSOLE: base URL of a console that runs elsewhere; the CLI then needs no state directory. */
  readonly console: string | null;
  /** AFFIANT_LOG_LEVEL: pino level, default info. */
  readonly logLevel: string;
  /** Whether ANTHROPIC_API_KEY is set; its value is read only by resolveSecret. */
  readonly hasAnthropicKey: boolean;
}

const LEVELS = new Set(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);

export function environment(): Environment {
  const level = process.env['AFFIANT_LOG_LEVEL'] ?? 'info';
  return {
    token: nonEmpty(process.env['AFFIANT_TOKEN']),
    console: nonEmpty(process.env['AFFIANT_CONSOLE']),
    logLevel: LEVELS.has(level) ? level : 'info',
    hasAnthropicKey: nonEmpty(process.env['ANTHROPIC_API_KEY']) !== null,
  };
}

/** Value of a variable that the configuration names; null when unset or empty. */
export function environmentSecret(name: string): string | null {
  return nonEmpty(process.env[name]);
}

/** What a child process of ours is given: where programs and libraries are, and the variables that were named for it. Our secrets are not among them. */
export function childEnvironment(names: readonly string[]): Record<string, string> {
  const passed = ['PATH', 'HOME', 'LD_LIBRARY_PATH', ...names];
  return Object.fromEntries(passed.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
}

const nonEmpty = (value: string | undefined): string | null => (value === undefined || value === '' ? null : value);
