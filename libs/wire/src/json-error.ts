import { AffiantError } from '#errors';

/** The one way this room says that JSON is wrong. Never quotes content. */
export function jsonError(message: string, at: number, path?: string): AffiantError {
  return new AffiantError('body_invalid', message, { where: path === undefined ? `byte ${at}` : `byte ${at}, ${path}` });
}
