import type { Command } from 'commander';

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
