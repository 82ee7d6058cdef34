import { AffiantError } from '#errors';

/** @throws AffiantError timestamp_invalid when the condition does not hold. */
export function need(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AffiantError('timestamp_invalid', message);
}

/** Runs what the ASN.1 library may fail in on hostile bytes; whatever it throws becomes one typed error. */
export function reading<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof AffiantError) throw cause;
    throw new AffiantError('timestamp_invalid', `${what} is malformed`, { cause });
  }
}
