import { base64Of, callKms, type KmsTools } from './kms-client.js';
import type { KmsSpec } from './port.js';

/** A symmetric key in a KMS that encrypts and decrypts some bytes. */
export interface KmsKey {
  readonly keyId: string;
  /** @throws AffiantError signer_failed (retryable), config_secret_missing */
  encrypt(plain: Buffer): Promise<Buffer>;
  /** Only what was encrypted under this key for this use. @throws AffiantError signer_failed, config_secret_missing */
  decrypt(sealed: Buffer): Promise<Buffer>;
}

/**
 * A symmetric key (SYMMETRIC_DEFAULT) in AWS KMS, or in whatever answers Encrypt and Decrypt of its JSON protocol. Nothing is asked here.
 * @param use goes into the encryption context, which the KMS binds and logs: what was encrypted for one use is not decrypted for another
 */
export function kmsKey(spec: KmsSpec, use: string, tools: KmsTools = {}): KmsKey {
  const { keyId } = spec;
  const named = { KeyId: keyId, EncryptionContext: { use } };
  return {
    keyId,
    encrypt: async (plain) => {
      const answer = await callKms(spec, tools, 'Encrypt', { ...named, Plaintext: plain.toString('base64') });
      return base64Of(answer['CiphertextBlob'], keyId);
    },
    decrypt: async (sealed) => {
      const answer = await callKms(spec, tools, 'Decrypt', { ...named, CiphertextBlob: sealed.toString('base64') });
      return base64Of(answer['Plaintext'], keyId);
    },
  };
}
