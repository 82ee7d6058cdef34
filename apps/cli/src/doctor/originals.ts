import { join } from 'node:path';
import { resolveSecret, type SecretRef } from '#config';
import { OriginalsWrapper } from '#content-keys';
import { readFileIfPresent } from '#durable';
import { toAffiantError } from '#errors';
import type { OriginalsRing, RingFile } from '#service';
import { fail, ok, skipped, warn, worst, type Check, type Finding } from './check.js';

/** Keys that wait in the catalogue, by the pair they are wrapped under. */
export type WrappedCounts = readonly { readonly pair: string; readonly keys: number }[];

export interface OriginalsPlace {
  /** State directory, whose keys are looked at. */
  readonly state: string;
  readonly passphrase: SecretRef | undefined;
  /** In distributed mode a directory may have the public key alone: a proxy's. */
  readonly distributed: boolean;
  /** Null where the catalogue cannot be looked at: the embedded one is its instance's alone. */
  readonly counts: (() => Promise<WrappedCounts>) | null;
}

const RUNBOOK = 'ops/runbooks/OriginalsKeyLost.md';
/** Files and pairs told in one finding. */
const TOLD = 8;

/** What is sealed as an original can be opened: by the private keys that are in this directory. */
export const originalsCheck = ({ state, passphrase, distributed, counts }: OriginalsPlace): Check => ({
  id: 'keys.originals',
  title: 'Keys of originals',
  run: async (): Promise<Finding> => {
    const directory = join(state, 'keys');
    const { OriginalsRing: Ring, ORIGINALS_PUBLIC } = await import('#service');
    const ring = await Ring.open(directory, null);
    const path = join(directory, ORIGINALS_PUBLIC);
    const pem = await readFileIfPresent(path);
    if (ring.files.length === 0) {
      if (pem === null)
        return skipped(`none in ${directory}; they are made when a policy keeps originals, or mounted where the services run`);
      if (distributed) return ok('originals.pub seals; what opens is with the console');
      return fail('originals.pub seals, and no private key is here to open it', `Put originals.key back: ${RUNBOOK}`);
    }
    const present = passphrase === undefined ? ring : await Ring.open(directory, await resolveSecret(passphrase));
    const wrapped = await counts?.().catch((error: Error) => error);
    return judgeOriginals(present, pem === null ? null : pairOf(pem, path), wrapped ?? []);
  },
});

/**
 * @param sealing the pair of the public key; null: it is not here; an error: it is none
 * @param counts an error: they could not be had
 */
export async function judgeOriginals(ring: OriginalsRing, sealing: string | Error | null, counts: WrappedCounts | Error): Promise<Finding> {
  const read: RingFile[] = [];
  for (const file of ring.files) read.push(await ring.read(file));
  const pairs = read.flatMap(({ opener }) => (opener === null ? [] : [opener.name]));
  const findings: Finding[] = read
    .flatMap(({ file, error }) => (error === null ? [] : [fail(`${file}: ${error.message}`, `${error.remedy} ${RUNBOOK}`)]))
    .slice(0, TOLD);
  if (sealing instanceof Error)
    findings.push(
      fail(`originals.pub: ${sealing.message}`, `Write it anew: openssl pkey -in ${ring.files.at(-1)} -pubout -out originals.pub`),
    );
  else if (sealing !== null && !pairs.includes(sealing))
    findings.push(fail(`originals.pub seals under ${sealing}, and no private key here is of that pair`, `Put it back: ${RUNBOOK}`));
  else if (sealing !== null && read.at(-1)?.opener !== null && pairs.at(-1) !== sealing)
    findings.push(
      warn(
        `originals.pub is not of ${ring.files.at(-1)}, the newest: a rotation was interrupted`,
        'Finish it: affiant keys rotate-originals',
      ),
    );
  if (counts instanceof Error)
    findings.push(warn('wrapped keys of originals could not be counted', 'Bring PostgreSQL in order, then look again.'));
  const wrapped = counts instanceof Error ? [] : counts;
  for (const { pair, keys } of wrapped.filter((one) => !pairs.includes(one.pair)).slice(0, TOLD))
    findings.push(warn(`${keys} wrapped keys need the key pair ${pair}, which no file here opens`, `Put its private key back: ${RUNBOOK}`));
  const opened = wrapped.reduce((sum, { keys }) => sum + keys, 0);
  return worst(
    findings,
    `${pairs.length} private${sealing === null ? '' : `, ${String(sealing)} seals`}${opened === 0 ? '' : `; they open all ${opened} wrapped keys`}`,
  );
}

function pairOf(pem: Buffer, path: string): string | Error {
  try {
    return new OriginalsWrapper(pem, path).name;
  } catch (error) {
    return toAffiantError(error, 'key_invalid', 'not a key');
  }
}
