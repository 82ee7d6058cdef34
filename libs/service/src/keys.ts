import { join } from 'node:path';
import { openContentWrapper } from './content-wrapper.js';
import type { SealingConfig, SecretRef } from '#config';
import type { IssuingWrapper, WrapperRing } from '#content-keys';
import type { Logger } from '#observability';
import { loadOrCreateSecret, loadSecret, type LogKeys } from '#signing';
import { originalsWrapper } from './originals-keys.js';
import { openOriginals, type OriginalsRing } from './originals-ring.js';
import { openConfiguredKeys, type LogKeysConfig } from './signer-spec.js';
import type { State } from './state.js';

/** The secrets of one installation, each a 0600 file under `<state>/keys`. */
export interface Keys {
  /** Encrypts the journals. */
  readonly journal: Buffer;
  /** Keyed digests of originals and of what approvals are about. */
  readonly digest: Buffer;
  /** Wraps the keys that seal content: without it what is sealed cannot be read any more, and nothing else can be. */
  readonly content: WrapperRing;
  /** Placeholders: the same value gets the same placeholder in this deployment only. */
  readonly placeholder: Buffer;
  /** Sign checkpoints and packets. */
  readonly ledger: LogKeys;
}

/** @throws AffiantError key_invalid, signer_failed, config_secret_missing */
export async function loadKeys(state: State, ledger: LogKeysConfig, sealing: SealingConfig): Promise<Keys> {
  return {
    journal: await loadOrCreateSecret(state.path('keys', 'journal.key')),
    digest: await loadOrCreateSecret(state.path('keys', 'digest.key')),
    content: await openContentWrapper(sealing, state.path('keys'), false),
    placeholder: await loadOrCreateSecret(state.path('keys', 'placeholder.key')),
    ledger: await openConfiguredKeys(ledger, state.path('keys')),
  };
}

/**
 * The keys of a service. Only the one of its own journal is made by itself: the others are the same in several services, and one made up at a start
 * would silently tear the deployment apart. `affiant keys create` makes them.
 */
export class ServiceKeys {
  private constructor(
    readonly journal: Buffer,
    private readonly shared: string,
  ) {}

  /** @param shared directory of the shared ones; null = `<state>/keys`, beside its own */
  static async open(state: State, shared: string | null): Promise<ServiceKeys> {
    return new ServiceKeys(await loadOrCreateSecret(state.path('keys', 'journal.key')), shared ?? state.path('keys'));
  }

  /** @throws AffiantError key_invalid when it is not there. */
  digest(): Promise<Buffer> {
    return loadSecret(join(this.shared, 'digest.key'));
  }

  /** Wraps the keys that seal content. @throws AffiantError key_invalid when it should be in a file and is not there; config_secret_missing */
  content(sealing: SealingConfig): Promise<WrapperRing> {
    return openContentWrapper(sealing, this.shared, true);
  }

  /** @throws AffiantError key_invalid when it is not there. */
  placeholder(): Promise<Buffer> {
    return loadSecret(join(this.shared, 'placeholder.key'));
  }

  /** Wraps the keys that seal originals; opens nothing. Asked for its file only when first used. */
  originals(logger: Pick<Logger, 'info'>): IssuingWrapper {
    return originalsWrapper(this.shared, false, logger);
  }

  /** Opens them. @throws AffiantError key_invalid when no key is there; config_secret_missing */
  openOriginals(passphrase: SecretRef | undefined): Promise<OriginalsRing> {
    return openOriginals(this.shared, passphrase);
  }

  /** The keys of the log. @throws AffiantError key_invalid when one is not there; signer_failed when its keeper does not answer */
  logKeys(ledger: LogKeysConfig): Promise<LogKeys> {
    return openConfiguredKeys(ledger, this.shared, true);
  }
}
