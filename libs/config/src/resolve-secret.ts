import { readFile } from 'node:fs/promises';
import { AffiantError } from '#errors';
import { environmentSecret } from './environment.js';
import type { SecretRef } from './types.js';

/** The secret a reference names, without a trailing newline. @throws AffiantError config_secret_missing (never with the value) */
export async function resolveSecret(ref: SecretRef): Promise<string> {
  if ('env' in ref) {
    const value = environmentSecret(ref.env);
    if (value === null) throw new AffiantError('config_secret_missing', `the environment variable ${ref.env} is not set`);
    return value;
  }
  let value: string;
  try {
    value = (await readFile(ref.file, 'utf8')).replace(/\r?\n$/, '');
  } catch (cause) {
    throw new AffiantError('config_secret_missing', 'the secret file cannot be read', { where: ref.file, cause });
  }
  if (value === '') throw new AffiantError('config_secret_missing', 'the secret file is empty', { where: ref.file });
  return value;
}
