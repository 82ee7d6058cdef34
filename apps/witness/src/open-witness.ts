import { join } from 'node:path';
import type { WitnessConfig } from '#config';
import { SystemClock } from '#events';
import type { Logger } from '#observability';
import { openFileSigner } from '#signing';
import { HeadStore } from './head-store.js';
import { WitnessServer } from './server.js';
import { Witness } from './witness.js';

export interface WitnessOptions {
  readonly config: WitnessConfig;
  /** Heads, forks and, unless mounted elsewhere, the key. Locked by the caller: two processes on it could cosign two histories. */
  readonly directory: string;
  /** Where the key is mounted; null = `<directory>/keys`, and then it is made at first use. */
  readonly keys: string | null;
  readonly logger: Logger;
}

/** A witness that answers. */
export interface RunningWitness {
  /** Its submission prefix. */
  readonly url: string;
  readonly vkey: string;
  /** Answers what is in work, then ends. */
  close(): Promise<void>;
}

/** @throws AffiantError key_invalid, ledger_conflict when a stored head is damaged */
export async function openWitness({ config, directory, keys, logger }: WitnessOptions): Promise<RunningWitness> {
  const signer = await openFileSigner({
    directory: keys ?? join(directory, 'keys'),
    file: 'witness',
    name: config.name,
    type: 'cosignature',
    shared: keys !== null,
  });
  const heads = await HeadStore.open(directory);
  const witness = new Witness({ signer, logs: config.logs, heads, clock: new SystemClock(), logger });
  for (const origin of new Set(config.logs.map((log) => log.origin))) await heads.get(origin);
  const server = new WitnessServer({ addCheckpoint: (body) => witness.addCheckpoint(body), logger });
  const url = await server.listen(config.host, config.port);
  return { url, vkey: signer.vkey, close: () => server.close() };
}
