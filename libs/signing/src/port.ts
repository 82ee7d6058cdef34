/** Port: an Ed25519 key that never leaves its adapter (file now; PKCS#11 and KMS later). */
export interface Signer {
  /** Key name as in C2SP signed-note, e.g. `affiant.example/ledger`. */
  readonly name: string;
  /** Raw 32-byte public key. */
  readonly publicKey: Buffer;
  /** C2SP vkey: `<name>+<key hash>+<base64(0x01 || public key)>`. */
  readonly vkey: string;
  /** 64-byte Ed25519 signature (RFC 8032), deterministic. */
  sign(message: Uint8Array): Promise<Buffer>;
}
