import { resolveSecret, type LedgerConfig, type SecretRef, type SignerConfig } from '#config';
import { openLogKeys, type LogKeys, type SecretSource, type SignerSpec } from '#signing';

const source =
  (ref: SecretRef): SecretSource =>
  () =>
    resolveSecret(ref);

/** Where a key is kept, as its adapter wants it: secrets are looked up each time they are needed. */
export function signerSpec(config: SignerConfig): SignerSpec {
  switch (config.kind) {
    case 'file':
      return config.passphrase === undefined ? { kind: 'file' } : { kind: 'file', passphrase: source(config.passphrase) };
    case 'pkcs11': {
      const { timeout: timeoutMs, pin, ...rest } = config;
      return { ...rest, pin: source(pin), timeoutMs };
    }
    case 'kms':
      return {
        kind: 'kms',
        endpoint: config.endpoint ?? `https://kms.${config.region}.amazonaws.com/`,
        region: config.region,
        keyId: config.key_id,
        accessKeyId: source(config.access_key_id),
        secretAccessKey: source(config.secret_access_key),
        ...(config.session_token === undefined ? {} : { sessionToken: source(config.session_token) }),
        timeoutMs: config.timeout,
      };
  }
}

/** What of the configuration concerns the keys of the log. */
export type LogKeysConfig = Pick<LedgerConfig, 'origin' | 'signer' | 'previous_signer'>;

/** Every key that signs the log now. @throws AffiantError key_invalid, signer_failed, config_secret_missing */
export function openConfiguredKeys(config: LogKeysConfig, directory: string, shared = false): Promise<LogKeys> {
  const { origin: name, signer, previous_signer: previous } = config;
  return openLogKeys({
    spec: signerSpec(signer),
    ...(previous === undefined ? {} : { previous: signerSpec(previous) }),
    directory,
    name,
    shared,
  });
}
