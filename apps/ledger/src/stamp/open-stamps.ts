import { readFile } from 'node:fs/promises';
import type { TimestampsConfig } from '#config';
import { AffiantError } from '#errors';
import { httpAuthority, readCertificates, type TimestampAuthority } from '#timestamp';
import type { CheckpointStore, CosignedStore } from '#tlog';
import type { LedgerHealth } from '../ports.js';
import type { StampPorts } from './ports.js';
import { StampLoop } from './stamp-loop.js';

/** The stamp loop over the authorities of the configuration, started. @throws AffiantError config_invalid */
export async function openStamps(
  { authorities, interval, renew_before, timeout }: TimestampsConfig,
  ports: Omit<StampPorts, 'authorities' | 'options'>,
): Promise<StampLoop> {
  const opened = await Promise.all(authorities.map((authority) => open(authority, timeout)));
  const loop = new StampLoop({ ...ports, authorities: opened, options: { interval, renewBefore: renew_before } });
  loop.start();
  return loop;
}

/** The newest cosigned note where there are witnesses (`cosigned`), the newest sealed one otherwise; null while another process leads. */
export function newestToStamp({
  cosigned,
  checkpoints,
  ledger,
}: {
  readonly cosigned: Pick<CosignedStore, 'latest'> | null;
  readonly checkpoints: Pick<CheckpointStore, 'fetch'>;
  readonly ledger: { health(): Promise<Pick<LedgerHealth, 'leader' | 'halted'>> };
}): StampPorts['newest'] {
  return async () => {
    const { leader, halted } = await ledger.health();
    if (!leader || halted !== null) return null;
    if (cosigned !== null) return cosigned.latest();
    // Empty before the first round.
    return (await checkpoints.fetch())?.note || null;
  };
}

async function open({ name, url, root }: TimestampsConfig['authorities'][number], timeout: number): Promise<TimestampAuthority> {
  try {
    return httpAuthority({ name, url, roots: readCertificates(await readFile(root, 'utf8')), timeout });
  } catch (cause) {
    throw new AffiantError('config_invalid', `the root certificates of the time stamp authority ${name} cannot be read: ${root}`, {
      where: 'ledger.timestamps.authorities',
      remedy: 'Give a PEM file with the certificate of the root that you trust for it.',
      cause,
    });
  }
}
