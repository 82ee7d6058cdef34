import type { Command } from 'commander';
import { AffiantError } from '#errors';

/** Adds a sub-command; `finding` sets the exit code, 1 unless another is given, without an error. */
export type AddCommand = (program: Command, finding: (exit?: number) => void) => void;

export interface CommonOptions {
  readonly state: string;
  readonly json?: boolean;
  readonly token?: string;
}

/** `--state` and `--json`, which every command has. */
export function common(command: Command): Command {
  return command
    .option('--state <dir>', 'state directory of the instance', './var')
    .option('--json', 'one JSON document (or NDJSON) on stdout, progress on stderr');
}

/** The same for a command that calls the running instance. */
export function online(command: Command): Command {
  return common(command).option('--token <token>', 'access token (default: AFFIANT_TOKEN, else one of the development issuer)');
}

/** A time given on the command line, in UTC. @throws AffiantError usage_invalid */
export function instant(text: string): string {
  const at = new Date(text);
  if (Number.isNaN(at.getTime()))
    throw new AffiantError('usage_invalid', `not an ISO 8601 instant: ${text}`, {
      remedy: 'Write e.g. 2026-07-01 or 2026-07-01T00:00:00Z.',
    });
  return at.toISOString();
}
