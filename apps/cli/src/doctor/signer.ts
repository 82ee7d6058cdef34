import { join } from 'node:path';
import type { LedgerConfig } from '#config';
import { readFileIfPresent } from '#durable';
import { isAffiantError } from '#errors';
import { fail, ok, skipped, type Check, type Finding } from './check.js';

/** Starts like no checkpoint and no seal, so that the signature is good for nothing. */
const PROBE = Buffer.from('affiant-doctor-probe/1\n');

/** The keys that sign the log can be had and do sign. Nothing is made and nothing written. */
export const signerCheck = (ledger: LedgerConfig, state: string): Check => ({
  id: 'keys.signer',
  title: 'Key of the log',
  run: async (): Promise<Finding> => {
    const directory = join(state, 'keys');
    if (ledger.signer.kind === 'file' && (await readFileIfPresent(join(directory, 'ledger.vkey'))) === null)
      return skipped(`no key in ${directory}; the first start makes it, or it is mounted where the services run`);
    const { openConfiguredKeys } = await import('#service');
    try {
      const { signers } = await openConfiguredKeys(ledger, directory, true);
      for (const signer of signers) await signer.sign(PROBE);
      return ok(`${ledger.signer.kind}, signs: ${signers.map(({ vkey }) => vkey.split('+').slice(0, 2).join('+')).join(', ')}`);
    } catch (error) {
      const reason = isAffiantError(error) ? error : null;
      return fail(reason?.message ?? String(error), `${reason?.remedy ?? ''} docs/reference/signers.md, ops/runbooks/KeyLost.md`.trim());
    }
  },
});
