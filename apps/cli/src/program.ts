import { Command, CommanderError } from 'commander';
import { packageVersion } from '#config';
import { errorText, EXIT, exitCodeOf, isAffiantError } from '#errors';
import { addApprovals } from './commands/approvals.js';
import { addCatalogue } from './commands/catalogue.js';
import { addDoctor } from './commands/doctor.js';
import { addEvents } from './commands/events.js';
import { addErasures } from './commands/erasures.js';
import { addHolds } from './commands/holds.js';
import { addInstallationKeys } from './commands/installation-keys.js';
import { addKeys } from './commands/keys.js';
import { addLedger } from './commands/ledger.js';
import { addMask } from './commands/mask.js';
import { addPackets } from './commands/packets.js';
import { addPolicy } from './commands/policy.js';
import { addSchemas } from './commands/schemas.js';
import { addSessions } from './commands/sessions.js';
import { addSql } from './commands/sql.js';
import { addStatus } from './commands/status.js';
import { addToken } from './commands/token.js';
import { addTopics } from './commands/topics.js';
import { addUnseal } from './commands/unseal.js';
import { addVerify } from './commands/verify.js';
import { addWitness } from './commands/witness.js';

/** Runs one command; the result is the process's exit code (docs/reference/cli.md). */
export async function runCli(argv: readonly string[]): Promise<number> {
  let exit: number = EXIT.done;
  const program = new Command('affiant')
    .description('Talks to a running Affiant instance, and works on files offline.')
    .version(packageVersion)
    .showHelpAfterError('(run with --help for the options)')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true });
  const finding = (code: number = EXIT.finding): void => {
    exit = code;
  };
  for (const add of [
    addToken,
    addStatus,
    addSql,
    addSessions,
    addApprovals,
    addErasures,
    addUnseal,
    addHolds,
    addPackets,
    addVerify,
    addEvents,
    addPolicy,
    addMask,
    addKeys,
    addSchemas,
    addTopics,
    addLedger,
    addCatalogue,
    addInstallationKeys,
    addDoctor,
    addWitness,
  ])
    add(program, finding);
  try {
    await program.parseAsync([...argv]);
    return exit;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (!isAffiantError(error)) throw error;
    process.stderr.write(`affiant: ${errorText(error)}`);
    return exitCodeOf(error);
  }
}
