import { createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_MESSAGE } from '../checked-signer.js';
import type { Signer } from '../port.js';
import { formatVkey, parseVkey, verifyEd25519 } from '../vkey.js';

export interface SignerUnderTest {
  /** Opens the one key; each call anew. */
  open(): Promise<Signer>;
  close(): Promise<void>;
}

const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** What every adapter of the Signer port must do. */
export function signerContract(adapter: string, make: () => Promise<SignerUnderTest>): void {
  describe(`signer: ${adapter}`, () => {
    let under: SignerUnderTest;
    beforeAll(async () => void (under = await make()), 300_000);
    afterAll(() => under?.close());

    it('names itself by a vkey of its public key, the same at each opening', async () => {
      const [first, second] = [await under.open(), await under.open()];
      expect(first.publicKey).toHaveLength(32);
      expect(first.vkey).toBe(formatVkey(first.name, first.publicKey));
      expect(parseVkey(first.vkey).publicKey).toEqual(first.publicKey);
      expect(second.vkey).toBe(first.vkey);
    });

    it('signs what Node verifies, deterministically', async () => {
      const signer = await under.open();
      const message = Buffer.from('affiant.example/ledger\n7\nq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq80=\n');
      const signature = await signer.sign(message);
      expect(signature).toHaveLength(64);
      const key = createPublicKey({ key: Buffer.concat([SPKI, signer.publicKey]), format: 'der', type: 'spki' });
      expect(verify(null, message, key, signature)).toBe(true);
      expect(await (await under.open()).sign(message)).toEqual(signature);
      expect(await signer.sign(new Uint8Array(message))).toEqual(signature);
    });

    it('takes any bytes up to the bound, and refuses more', async () => {
      const signer = await under.open();
      for (const message of [Buffer.of(0), Buffer.from('\0\n\r\n\xff', 'latin1'), Buffer.alloc(MAX_MESSAGE, 0xa5)]) {
        expect(verifyEd25519(signer.vkey, message, await signer.sign(message))).toBe(true);
      }
      await expect(signer.sign(Buffer.alloc(MAX_MESSAGE + 1))).rejects.toMatchObject({ code: 'signer_failed' });
    });

    it('answers each of many callers with the signature of its own message', async () => {
      const signer = await under.open();
      const messages = Array.from({ length: 12 }, (_, index) => Buffer.from(`message ${index}`));
      const signatures = await Promise.all(messages.map((message) => signer.sign(message)));
      messages.forEach((message, index) => expect(verifyEd25519(signer.vkey, message, signatures[index]!)).toBe(true));
    });
  });
}
