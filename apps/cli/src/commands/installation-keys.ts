import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { defaultConfig, loadConfig, type AffiantConfig, type LedgerConfig } from '#config';
import { makeDirectoryDurably } from '#durable';
import { AffiantError } from '#errors';
import { firstRing, formatVkey, loadOrCreateSecret, openSigner, policyText, readRing, retireKey, rotateKey, type RingKey } from '#signing';
import { openNote } from '#tlog';
import { printJson, printTable, say } from '../output.js';
import { addContentKey, type KeyPlace } from './content-key.js';
import { addOriginalsKey } from './originals-key.js';
import type { AddCommand } from './options.js';

interface Where {
  readonly config?: string;
  readonly directory?: string;
  readonly state: string;
  readonly json?: boolean;
}

/** Which service needs which file; docs/guide/run-distributed.md says it too. */
const HOLDERS = {
  'digest.key': 'every proxy',
  'content.key': 'every proxy, ledger: back it up apart from the catalogue; unless sealing.key keeps it elsewhere',
  'originals.pub': 'every proxy: it seals, and opens nothing',
  'originals.key': 'console alone: it opens what originals.pub sealed, as does each originals-N.key of later rotations; back it up',
  'placeholder.key': 'every proxy, console',
  'ledger.key': 'ledger, evidence; unless ledger.signer keeps it elsewhere',
  'ledger.vkey': 'ledger, evidence; and whoever verifies: it is public',
} as const;

const DAY_MS = 86_400_000;
const REASONS = ['overlap', 'lost', 'compromised'] as const;

export const addInstallationKeys: AddCommand = (program) => {
  const keys = program.command('keys').description('Keys that the services of one installation share, and the keys of the log');

  keys
    .command('create')
    .description('Make them once; what is there already stays as it is')
    .requiredOption('--config <file>', 'configuration: its ledger.origin is the name of the log key, for ever')
    .requiredOption('--directory <dir>', 'where to put them; from there each service gets what it needs under <state>/keys')
    .option('--json', 'one JSON document on stdout')
    .action(async ({ config: file, directory, json }: Where & { directory: string; config: string }) => {
      const { ledger, sealing } = await loadConfig(file);
      await makeDirectoryDurably(directory, 0o700);
      await loadOrCreateSecret(join(directory, 'digest.key'));
      await loadOrCreateSecret(join(directory, 'placeholder.key'));
      const { createOriginalsKeys, openContentWrapper, signerSpec } = await import('#service');
      await openContentWrapper(sealing, directory, false);
      await createOriginalsKeys(directory);
      const { vkey } = await openSigner({ spec: signerSpec(ledger.signer), directory, file: 'ledger', name: ledger.origin });
      if (json === true) return printJson({ directory, vkey, files: HOLDERS });
      const lines = Object.entries(HOLDERS).map(([name, holders]) => `  ${join(directory, name).padEnd(40)} ${holders}`);
      process.stdout.write(`${lines.join('\n')}\n\n${vkey}\n`);
    });

  where(keys.command('list'))
    .description('The keys the log has had, oldest first')
    .action(async (options: Where) => {
      const { ring } = await logOf(options);
      if (options.json === true) return printJson(ring);
      printTable(
        ring.map((key) => ({ ...key, vkey: key.vkey.split('+').slice(0, 2).join('+') })),
        ['vkey', 'state', 'since', 'until', 'overlap_until', 'file'],
      );
    });

  where(keys.command('policy'))
    .description('The trust policy for whoever verifies; hand it over on another way than what it verifies')
    .action(async (options: Where) => {
      const { ledger, ring } = await logOf(options);
      process.stdout.write(policyText(ledger.origin, ring));
    });

  where(keys.command('rotate'))
    .description('Add a key to the log; both sign from the next start of ledger and evidence until `keys retire`')
    .option('--days <n>', 'how long both sign at least', '30')
    .option('--reason <why>', 'overlap, lost or compromised; after the last two the old key signs no more', 'overlap')
    .action(async (options: Where & { readonly days: string; readonly reason: string }) => rotate(options));

  where(keys.command('retire'))
    .description('End a rotation: the older key signs no more, and the last checkpoint under both is kept')
    .option('--checkpoint <file>', 'the newest published checkpoint (default: <state>/tiles/checkpoint)')
    .option('--early', 'also before the overlap has ended')
    .action(async (options: Where & { readonly checkpoint?: string; readonly early?: boolean }) => retire(options));

  const place = async (options: Where): Promise<KeyPlace> => ({
    config: await configOf(options),
    directory: directoryOf(options),
    state: options.state,
    json: options.json === true,
  });
  addContentKey(keys, where, place);
  addOriginalsKey(keys, where, place);
};

function where(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file; default: that of `npm start` without one')
    .option('--state <dir>', 'state directory, whose keys are meant', './var')
    .option('--directory <dir>', 'directory with the shared keys of distributed mode, in place of --state')
    .option('--json', 'one JSON document on stdout');
}

const directoryOf = ({ directory, state }: Where): string => directory ?? join(state, 'keys');

const configOf = async ({ config }: Where): Promise<AffiantConfig> => (config === undefined ? defaultConfig() : loadConfig(config));

const ledgerOf = async (options: Where): Promise<LedgerConfig> => (await configOf(options)).ledger;

/** Also before the first rotation, when there is no ring. */
async function logOf(options: Where): Promise<{ readonly ledger: LedgerConfig; readonly ring: readonly RingKey[] }> {
  const ledger = await ledgerOf(options);
  const directory = directoryOf(options);
  const ring = (await readRing(directory, ledger.origin)) ?? (await firstRing({ directory, name: ledger.origin }));
  return { ledger, ring: ring.keys };
}

async function rotate(options: Where & { readonly days: string; readonly reason: string }): Promise<void> {
  const reason = REASONS.find((one) => one === options.reason);
  const days = Number(options.days);
  if (reason === undefined) throw new AffiantError('usage_invalid', `--reason is one of ${REASONS.join(', ')}`);
  if (!Number.isFinite(days) || days < 0) throw new AffiantError('usage_invalid', '--days is a number of days');
  const [ledger, { signerSpec }] = await Promise.all([ledgerOf(options), import('#service')]);
  const { from, to, ring } = await rotateKey({
    spec: signerSpec(ledger.signer),
    directory: directoryOf(options),
    name: ledger.origin,
    now: new Date(),
    reason,
    overlapMs: days * DAY_MS,
  });
  const policy = policyText(ledger.origin, ring.keys);
  if (options.json === true) return printJson({ from, to, policy });
  process.stdout.write(policy);
  say('');
  say('Now: give this policy to whoever verifies; restart ledger and evidence so that they take the new ring.');
  if (reason === 'overlap') say(`Then, after ${from.overlap_until}: affiant keys retire.`);
  else say(`The old key signs no more from that restart on. See ops/runbooks/${reason === 'lost' ? 'KeyLost' : 'KeyCompromised'}.md.`);
}

async function retire(options: Where & { readonly checkpoint?: string; readonly early?: boolean }): Promise<void> {
  const ledger = await ledgerOf(options);
  const directory = directoryOf(options);
  const ring = await readRing(directory, ledger.origin);
  const note = await read(options.checkpoint ?? join(options.state, 'tiles', 'checkpoint'));
  if (ring === null) throw new AffiantError('conflict', 'no rotation is under way', { where: directory });
  const { signers } = openNote(
    note,
    ring.keys.map(({ vkey }) => vkey),
  );
  const signedBy = signers.map(({ name, publicKey }) => formatVkey(name, publicKey));
  const { key, note: kept } = await retireKey({
    directory,
    name: ledger.origin,
    now: new Date(),
    last: { note, signedBy },
    early: options.early === true,
  });
  if (options.json === true) return printJson({ key, checkpoint: kept });
  process.stdout.write(`${key.vkey.split('+').slice(0, 2).join('+')} is retired; its last checkpoint is kept in ${kept}\n`);
  say(`Now: restart ledger and evidence; then destroy the private key (${key.file}.key, or in its token or KMS) and its backups.`);
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new AffiantError('usage_invalid', 'the file cannot be read', {
      where: path,
      cause,
      remedy: 'Name the right --state, --directory or --checkpoint.',
    });
  }
}
