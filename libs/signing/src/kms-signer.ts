import { checkedSigner } from './checked-signer.js';
import { base64Of, callKms, type KmsTools } from './kms-client.js';
import { rawEd25519 } from './spki.js';
import type { KmsSpec, Signer } from './port.js';

/**
 * A key in AWS KMS, or in whatever answers GetPublicKey and Sign of its JSON protocol (docs/reference/signers.md): key spec ECC_NIST_EDWARDS25519, algorithm
 * ED25519_SHA_512 over the raw message.
 * @throws AffiantError key_invalid, signer_failed, config_secret_missing
 */
export async function openKmsSigner(spec: KmsSpec, name: string, tools: KmsTools = {}): Promise<Signer> {
  const { keyId } = spec;
  const call = (action: string, body: object): Promise<Record<string, unknown>> => callKms(spec, tools, action, body);
  const answer = await call('GetPublicKey', { KeyId: keyId });
  const publicKey = rawEd25519(base64Of(answer['PublicKey'], keyId), keyId);
  return checkedSigner(name, publicKey, keyId, async (message) => {
    const signed = await call('Sign', {
      KeyId: keyId,
      Message: message.toString('base64'),
      MessageType: 'RAW',
      SigningAlgorithm: 'ED25519_SHA_512',
    });
    return base64Of(signed['Signature'], keyId);
  });
}
