import { join } from 'node:path';
import type { Command } from 'commander';
import { resolveSecret } from '#config';
import { printJson, say } from '../output.js';
import type { KeyPlace } from './content-key.js';

/** @param where adds the options, `place` reads them */
export function addOriginalsKey<Options>(
  keys: Command,
  where: (command: Command) => Command,
  place: (options: Options) => Promise<KeyPlace>,
): void {
  where(keys.command('rotate-originals'))
    .description(
      'Add a key pair of sealed originals: originals.pub is replaced, and older private keys stay for what was sealed under them; repeat it after a crash',
    )
    .action(async (options: Options) => rotateOriginalsKey(await place(options)));
}

async function rotateOriginalsKey({ config: { unseal }, directory, json }: KeyPlace): Promise<void> {
  const { ORIGINALS_PUBLIC, rotateOriginals } = await import('#service');
  const passphrase = unseal.passphrase === undefined ? null : await resolveSecret(unseal.passphrase);
  const { file, ...rotation } = await rotateOriginals(directory, passphrase);
  const [privatePath, publicPath] = [join(directory, file), join(directory, ORIGINALS_PUBLIC)];
  if (json) return printJson({ file: privatePath, public: publicPath, ...rotation });
  process.stdout.write(`${privatePath}  ${rotation.name}\n`);
  if (rotation.finished) say('An earlier rotation had been interrupted: this finished it, and added no further pair.');
  say(
    `Now, in this order: back ${file} up apart from the catalogue; give it to the console alone, beside the older ones (nothing is restarted);`,
  );
  say(`then give ${publicPath} to every proxy. A gateway takes it up with the next keys it issues; restart it to have it at once.`);
  say(`Keep every older private key as long as events sealed under it are kept (${rotation.before} and before): nothing else opens them.`);
}
