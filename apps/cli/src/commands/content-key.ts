import { join } from 'node:path';
import type { Command } from 'commander';
import { resolveSecret, type AffiantConfig } from '#config';
import { rewrapAll } from '#content-keys';
import { AffiantError } from '#errors';
import { printJson, say } from '../output.js';

/** What the commands about keys that are no keys of the log are given. */
export interface KeyPlace {
  readonly config: AffiantConfig;
  /** Where the key files stand. */
  readonly directory: string;
  /** State directory; its catalogue is meant where the configuration has no `postgres`. */
  readonly state: string;
  readonly json: boolean;
}

/** @param where adds the options, `place` reads them */
export function addContentKey<Options>(
  keys: Command,
  where: (command: Command) => Command,
  place: (options: Options) => Promise<KeyPlace>,
): void {
  where(keys.command('rotate-content'))
    .description(
      'Add a key-encryption key of sealed content; services wrap under it from their next start, and open what older ones wrapped',
    )
    .action(async (options: Options) => rotateContent(await place(options)));

  where(keys.command('rewrap-content'))
    .description(
      'Bring every key of sealed content under the newest key-encryption key; stop `npm start` first, services of distributed mode may run',
    )
    .action(async (options: Options) => rewrapContent(await place(options)));
}

async function rewrapContent({ config: { sealing, postgres }, directory, state, json }: KeyPlace): Promise<void> {
  const [{ openCatalogue, TypeormKeyBook }, { openContentWrapper, State }] = await Promise.all([import('#catalogue'), import('#service')]);
  const wrapper = await openContentWrapper(sealing, directory, true);
  // The embedded catalogue is one process's at a time.
  const held = postgres === undefined ? await State.open(state) : null;
  try {
    const catalogue = await openCatalogue(
      postgres === undefined ? { directory: join(state, 'catalogue') } : { url: await resolveSecret(postgres.url), pool: 2 },
    );
    try {
      const done = await rewrapAll(new TypeormKeyBook(catalogue), wrapper, (looked) => say(`${looked} keys looked at`));
      if (json) return printJson({ ...done, name: wrapper.present.name });
      process.stdout.write(`${done.rewrapped} of ${done.looked} keys were brought under ${wrapper.present.name}\n`);
      say(
        'When every proxy wraps under it and another run brings 0: take the older key files away. Backups of the catalogue still need them.',
      );
    } finally {
      await catalogue.destroy();
    }
  } finally {
    await held?.close();
  }
}

/** A crash leaves the new file or none; a file that no service has been given wraps nothing. */
async function rotateContent({ config: { sealing }, directory, json }: KeyPlace): Promise<void> {
  if (sealing.key.kind !== 'file')
    throw new AffiantError('usage_invalid', 'the key-encryption key is kept in a KMS', {
      remedy: 'Rotate it there, or name another in sealing.key and the old one in sealing.previous_keys (docs/guide/rotate-the-key.md).',
    });
  const { contentKeyFiles, nextContentKeyFile, openContentKeyFile, passphraseOf } = await import('#service');
  if ((await contentKeyFiles(directory)).length === 0)
    throw new AffiantError('not_found', 'there is no content.key to rotate', {
      where: directory,
      remedy: 'Name the directory that has it, with --directory or --state.',
    });
  const file = await nextContentKeyFile(directory);
  const passphrase = await passphraseOf([sealing.key, ...sealing.previous_keys]);
  const { name } = await openContentKeyFile(join(directory, file), passphrase, false);
  if (json) return printJson({ file: join(directory, file), name });
  process.stdout.write(`${join(directory, file)}  ${name}\n`);
  say(
    'Now, in this order: back it up apart from the catalogue; give it to every ledger, beside the older ones, and restart it; then to every proxy.',
  );
}
