import { AffiantError, isAffiantError } from '#errors';

const UNIQUE_VIOLATION = '23505';

/**
 * Runs one piece of work against the catalogue and gives its failure a code. A connection that broke is not used again, so the same call
 * works as soon as the database answers; what the failed call did is unknown (its commit may have come through).
 * @throws AffiantError conflict when the key is taken; catalogue_failed (retryable) for everything else
 */
export async function askCatalogue<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (isAffiantError(cause)) throw cause;
    if ((cause as { code?: unknown }).code === UNIQUE_VIOLATION)
      throw new AffiantError('conflict', 'there is one of that id already', { cause });
    throw new AffiantError('catalogue_failed', 'the catalogue does not answer', { cause });
  }
}
