import { AffiantError, isAffiantError } from '#errors';

/** What an error of the SDK says: the service's own code, or that of the socket. */
interface Failure {
  readonly name?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const statusOf = (error: unknown): number | undefined => (error as Failure).$metadata?.httpStatusCode;

export const nameOf = (error: unknown): string => (error as Failure).name ?? (error as Failure).code ?? 'unknown';

/** A conditional write found an object there. */
export const isThere = (error: unknown): boolean => statusOf(error) === 412 || nameOf(error) === 'PreconditionFailed';

/** Two conditional writes of one key at the same moment: S3 asks to try again. */
export const isRace = (error: unknown): boolean => nameOf(error) === 'ConditionalRequestConflict';

const MISSING = new Set(['NoSuchKey', 'NoSuchVersion', 'NotFound', 'ObjectLockConfigurationNotFoundError']);

/** By name, not by status: stores also answer 404 for a bucket or an account that is not there. */
export const isMissing = (error: unknown): boolean => MISSING.has(nameOf(error));

/** Refused because object lock keeps the version: AWS and versitygw say 403, MinIO 400. */
export const isLocked = (error: unknown): boolean => {
  const name = nameOf(error);
  return name === 'AccessDenied' || name === 'ObjectLocked' || (name === 'InvalidRequest' && statusOf(error) === 400);
};

/** The retries are used up, or the store refused us. */
export function storeFailed(what: string, cause: unknown): AffiantError {
  if (isAffiantError(cause)) return cause;
  const status = statusOf(cause);
  if (status === 401 || status === 403) {
    const remedy = 'Check the key pair of object_store and the rights it has on the bucket.';
    return new AffiantError('object_store_failed', `the object store refused us: ${what} (${nameOf(cause)})`, { cause, remedy });
  }
  return new AffiantError('object_store_failed', `${what} (${nameOf(cause)})`, { cause });
}
