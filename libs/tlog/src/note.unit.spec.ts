import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAffiantError } from '#errors';
import { formatVkey, type Signer } from '#signing';
import {
  formatTreeHead,
  openCheckpoint,
  openNote,
  parseNote,
  parseTreeHead,
  readCheckpoint,
  recomputeRoot,
  signCheckpoint,
  signNote,
} from './index.js';

function signerOf(name: string): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  return { name, publicKey: raw, vkey: formatVkey(name, raw), sign: async (message) => sign(null, message, privateKey) };
}

const log = signerOf('affiant.example/ledger');
const other = signerOf('other.example');
const invalid = expect.objectContaining({ code: 'note_invalid' });

// From golang.org/x/mod/sumdb/note, an independent writer.
const GO_VKEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const GO_NOTE = `${GO_TEXT}\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;

describe('signed note', () => {
  it('opens a note that Go wrote', () => {
    expect(openNote(GO_NOTE, [GO_VKEY]).text).toBe(GO_TEXT);
    expect(() => openNote(GO_NOTE.replace('think', 'thinks'), [GO_VKEY])).toThrow(invalid);
  });

  it('passes over unknown keys but not over a bad signature by a known one', async () => {
    const note = await signNote('text\n', [log, other]);
    expect(openNote(note, [log.vkey]).signers.map((key) => key.name)).toEqual([log.name]);
    expect(openNote(note, [log.vkey, other.vkey]).signers).toHaveLength(2);
    expect(() => openNote(note, [signerOf('third.example').vkey])).toThrow(invalid);
    const swapped = note.replace(/(\u2014 other\.example \S{10})(\S)/u, (_, head: string, one: string) => head + (one === 'A' ? 'B' : 'A'));
    expect(openNote(swapped, [log.vkey]).signers).toHaveLength(1);
    expect(() => openNote(swapped, [log.vkey, other.vkey])).toThrow(invalid);
  });

  it('splits at the last empty line', async () => {
    const text = 'a\n\nb\n\n\u2014 not a signature\n';
    expect(parseNote(await signNote(text, [log])).text).toBe(text);
  });

  it.each([
    ['no newline at the end', GO_NOTE.slice(0, -1)],
    ['no signature', GO_TEXT],
    ['empty', ''],
    ['carriage return', GO_NOTE.replace('\n', '\r\n')],
    ['control character', GO_NOTE.replace('think', 'th\u0000nk')],
    ['lone surrogate', GO_NOTE.replace('think', 'th\ud800nk')],
    ['hyphen for dash', GO_NOTE.replace('\u2014', '-')],
    ['loose base64', GO_NOTE.replace('AM=', 'AN=')],
    ['missing padding', GO_NOTE.replace('AM=\n', 'AM\n')],
    ['trailing space', GO_NOTE.replace('AM=\n', 'AM= \n')],
    ['plus in the name', GO_NOTE.replace('— Peter', '— Pe+er')],
    ['only a key id', `t\n\n\u2014 a AAAAAA==\n`],
    ['101 signatures', GO_NOTE + `${GO_NOTE.split('\n\n')[1]!}`.repeat(100)],
    ['too large', `${'x'.repeat(1_000_000)}\n${GO_NOTE}`],
  ])('refuses %s', (_, note) => {
    expect(() => parseNote(note)).toThrow(invalid);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => parseNote(Buffer.concat([Buffer.of(0xff), Buffer.from(GO_NOTE)]))).toThrow(invalid);
  });

  it('opens no mutation as another text', () => {
    const bytes = Buffer.from(GO_NOTE);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(bytes);
        changed[at]! ^= flip;
        try {
          return openNote(changed, [GO_VKEY]).text === GO_TEXT;
        } catch (error) {
          return isAffiantError(error) && error.code === 'note_invalid';
        }
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(() => parseNote(text)).toThrow(invalid);
      }),
    );
  });
});

describe('checkpoint', () => {
  const head = { origin: log.name, size: 3, root: recomputeRoot([Buffer.from('a'), Buffer.from('b'), Buffer.from('c')]).root };

  it('is signed to the same bytes and opened', async () => {
    const note = await signCheckpoint(head, [log]);
    expect(await signCheckpoint(head, [log])).toBe(note);
    expect(openCheckpoint(note, [log.vkey])).toEqual(head);
    expect(readCheckpoint(note)).toEqual(head);
    expect(note.startsWith(`${log.name}\n3\n${head.root.toString('base64')}\n\n\u2014 ${log.name} `)).toBe(true);
  });

  it('must be signed by its own origin', async () => {
    const note = await signCheckpoint(head, [other]);
    expect(() => openCheckpoint(note, [other.vkey])).toThrow(invalid);
  });

  const text = formatTreeHead(head);
  it.each([
    ['leading zero', text.replace('\n3\n', '\n03\n')],
    ['sign', text.replace('\n3\n', '\n+3\n')],
    ['negative', text.replace('\n3\n', '\n-3\n')],
    ['not a number', text.replace('\n3\n', '\n3x\n')],
    ['beyond 2^53', text.replace('\n3\n', '\n9007199254740993\n')],
    ['no origin', text.slice(log.name.length)],
    ['short root', text.replace(/=\n$/, '\n')],
    ['extension line', `${text}more\n`],
    ['no last newline', text.slice(0, -1)],
  ])('refuses %s', (_, bad) => {
    expect(() => parseTreeHead(bad)).toThrow(invalid);
  });
});
