import { AffiantError } from '#errors';

const NAME = /^[a-z0-9][a-z0-9._-]{0,150}$/i;

/** The name itself when it can be a file or the last part of a key. @throws AffiantError not_found */
export function checkPacketName(name: string): string {
  if (!NAME.test(name)) throw new AffiantError('not_found', 'a packet name has only letters, digits, dot, dash and underscore');
  return name;
}
