import { AffiantError } from '#errors';

const PATH = /^stamps\/(0|[1-9]\d{0,15})\/([a-z0-9][a-z0-9._-]{0,63})-(\d{1,4})-until-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.tsr$/;
const CHECKPOINT = /^stamps\/(0|[1-9]\d{0,15})\/checkpoint$/;

/** Where a stamp is kept, which says what a renewal has to know without reading it. */
export interface StampPlace {
  /** Leaves that the stamped checkpoint covers. */
  readonly size: number;
  /** As the configuration names it. */
  readonly authority: string;
  /** 0 is over the checkpoint; each further one is over the checkpoint and the stamp before it. */
  readonly number: number;
  /** End of validity of the certificate that signed it, milliseconds since the Unix epoch; whole seconds. */
  readonly expiresAt: number;
}

/** `stamps/<size>/<authority>-<number>-until-<end of the certificate>.tsr`. @throws AffiantError usage_invalid */
export function stampPath({ size, authority, number, expiresAt }: StampPlace): string {
  const until = new Date(expiresAt).toISOString().replace(/[-:]|\.\d+/g, '');
  const path = `stamps/${size}/${authority}-${number}-until-${until}.tsr`;
  if (!PATH.test(path)) throw new AffiantError('usage_invalid', `not a place for a time stamp: ${path}`);
  return path;
}

/** Null for what is not the path of a stamp. */
export function parseStampPath(path: string): StampPlace | null {
  const match = PATH.exec(path);
  if (match === null) return null;
  const [, size, authority, number, ...time] = match;
  const [year, month, day, hour, minute, second] = time.map(Number) as [number, number, number, number, number, number];
  return {
    size: Number(size),
    authority: authority!,
    number: Number(number),
    expiresAt: Date.UTC(year, month - 1, day, hour, minute, second),
  };
}

/** The stamped note itself. */
export function stampedCheckpointPath(size: number): string {
  return `stamps/${size}/checkpoint`;
}

export function isStampPath(path: string): boolean {
  return PATH.test(path) || CHECKPOINT.test(path);
}
