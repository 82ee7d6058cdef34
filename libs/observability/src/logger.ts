import { pino, type Logger as PinoLogger } from 'pino';

/** Structured log lines. Never give it a secret, a token or a body; error causes are logged by name and message only. */
export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'child'>;

export function createLogger(name: string, options: { readonly level?: string; readonly file?: string } = {}): Logger {
  const destination = pino.destination({ dest: options.file ?? 2, sync: options.file === undefined, mkdir: true });
  return pino(
    {
      name,
      level: options.level ?? 'info',
      redact: { paths: ['*.token', '*.authorization', '*.apiKey', '*.password', '*.secret', '*.body'], censor: '[removed]' },
    },
    destination,
  );
}
