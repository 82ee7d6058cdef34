import { verify, createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAffiantError } from '#errors';
import { formatVkey, parseVkey } from '#signing';
import { cosign, cosignerKey, openNote, parseNote, signCheckpoint, formatTreeHead } from './index.js';
import { signerOf } from '../../signing/src/memory-signer.fixture.js';
import { checkSignatures } from './note.js';

const invalid = expect.objectContaining({ code: 'note_invalid' });
const log = signerOf('affiant.example/ledger');
const witness = signerOf('witness.example/w1');
const head = { origin: log.name, size: 5, root: Buffer.alloc(32, 7) };
const text = formatTreeHead(head);

describe('cosigner key', () => {
  // Of a public witness, as github.com/transparency-dev/formats has it in its tests: an independent writer of signature type 4.
  const REMORA = 'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2';

  it('reads and writes the key of a public witness', () => {
    const vkey = parseVkey(REMORA, 'cosignature');
    expect([vkey.name, vkey.keyId]).toEqual(['remora.n621.de', 0xda77ade7]);
    expect(formatVkey(vkey.name, vkey.publicKey, 'cosignature')).toBe(REMORA);
  });

  it('is no key of another type', () => {
    expect(() => parseVkey(REMORA)).toThrow(expect.objectContaining({ code: 'key_invalid' }));
    expect(() => cosignerKey(log.vkey)).toThrow(expect.objectContaining({ code: 'key_invalid' }));
  });
});

describe('cosignature', () => {
  it('is the line the specification describes', async () => {
    const line = await cosign(text, witness, 1_679_315_147);
    const match = /^\u2014 witness\.example\/w1 ([A-Za-z0-9+/=]+)\n$/u.exec(line)!;
    const bytes = Buffer.from(match[1]!, 'base64');
    expect(bytes).toHaveLength(4 + 8 + 64);
    expect(bytes.readUInt32BE(0)).toBe(parseVkey(witness.cosignerVkey, 'cosignature').keyId);
    expect(bytes.readBigUInt64BE(4)).toBe(1_679_315_147n);
    const key = createPublicKey({
      key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), witness.publicKey]),
      format: 'der',
      type: 'spki',
    });
    const message = `cosignature/v1\ntime 1679315147\n${text}`;
    expect(verify(null, Buffer.from(message), key, bytes.subarray(12))).toBe(true);
  });

  it('stands in a note beside the signature of the log', async () => {
    const note = parseNote((await signCheckpoint(head, [log])) + (await cosign(text, witness, 1_700_000_000)));
    const key = cosignerKey(witness.cosignerVkey);
    expect(checkSignatures(note, [key])).toEqual([key]);
    expect(key.timestampIn(note)).toBe(1_700_000_000);
    expect(cosignerKey(signerOf(witness.name).cosignerVkey).timestampIn(note)).toBeNull();
  });

  it('is no signature of the text, and such a signature is no cosignature', async () => {
    const cosigned = `${text}\n${await cosign(text, witness, 1)}`;
    expect(() => openNote(cosigned, [witness.vkey])).toThrow(invalid);
    const signed = parseNote(await signCheckpoint(head, [witness]));
    expect(checkSignatures(signed, [cosignerKey(witness.cosignerVkey)])).toEqual([]);
  });

  it.each([-1, 1.5, Number.NaN, 2 ** 53])('refuses the time %d', async (time) => {
    await expect(cosign(text, witness, time)).rejects.toEqual(invalid);
  });

  it('is given for checkpoints only', async () => {
    await expect(cosign('any text\n', witness, 1)).rejects.toEqual(invalid);
  });

  it('binds text and time: any changed bit is found', async () => {
    const whole = Buffer.from(`${text}\n${await cosign(text, witness, 1_700_000_000)}`);
    const key = cosignerKey(witness.cosignerVkey);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 7 }), (at, bit) => {
        const changed = Buffer.from(whole);
        changed[at]! ^= 1 << bit;
        try {
          return checkSignatures(parseNote(changed), [key]).length === 0;
        } catch (error) {
          return isAffiantError(error) && error.code === 'note_invalid';
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('round-trips any time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.maxSafeNat(), async (time) => {
        const note = parseNote(`${text}\n${await cosign(text, witness, time)}`);
        return cosignerKey(witness.cosignerVkey).timestampIn(note) === time;
      }),
    );
  });
});
