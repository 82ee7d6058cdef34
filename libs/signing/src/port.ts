/** Port: an Ed25519 key that never leaves its adapter. One contract suite runs against every adapter (contract/signer.contract.ts). */
export interface Signer {
  /** Key name as in C2SP signed-note, e.g. `affiant.example/ledger`. */
  readonly name: string;
  /** Raw 32-byte public key. */
  readonly publicKey: Buffer;
  /** C2SP vkey: `<name>+<key hash>+<base64(0x01 || public key)>`. */
  readonly vkey: string;
  /**
   * 64-byte Ed25519 signature (RFC 8032), deterministic. What an adapter hands out has been verified against `publicKey`.
   * Messages have at most MAX_MESSAGE bytes: checkpoints and seals have about 200.
   * @throws AffiantError signer_failed (retryable): the key's keeper does not answer, refuses, or answers with what does not verify.
   */
  sign(message: Uint8Array): Promise<Buffer>;
}

/** Gives a secret when it is needed; never kept in a configuration object. @throws AffiantError config_secret_missing */
export type SecretSource = () => Promise<string>;

/** Where a key is kept. */
export type SignerSpec = FileSpec | Pkcs11Spec | KmsSpec;

export interface FileSpec {
  readonly kind: 'file';
  /** The file is encrypted with it (PKCS #8, PBES2); without it the file is plain. */
  readonly passphrase?: SecretSource;
}

export interface Pkcs11Spec {
  readonly kind: 'pkcs11';
  /** Path of the vendor's library. */
  readonly module: string;
  /** Label of the token. */
  readonly token: string;
  /** CKA_LABEL of the key pair. */
  readonly label: string;
  readonly pin: SecretSource;
  /** OpenSC's `pkcs11-tool`, by name or path. */
  readonly tool: string;
  /** Names of environment variables the vendor's library needs; it is given no others. */
  readonly environment: readonly string[];
  /** Bound of one call, milliseconds. */
  readonly timeoutMs: number;
}

export interface KmsSpec {
  readonly kind: 'kms';
  /** Base URL. */
  readonly endpoint: string;
  readonly region: string;
  /** Key id, ARN or alias. */
  readonly keyId: string;
  readonly accessKeyId: SecretSource;
  readonly secretAccessKey: SecretSource;
  readonly sessionToken?: SecretSource;
  /** Bound of one call, milliseconds. */
  readonly timeoutMs: number;
}
