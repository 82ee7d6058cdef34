import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAffiantError } from '#errors';
import { formatVkey, isKeyName, parseVkey, verifyEd25519 } from './index.js';

// Published by the Go project for sum.golang.org: an independent vector of name, key id and encoding.
const SUM_GOLANG_ORG = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8';

describe('vkey', () => {
  it('reads and writes the key of sum.golang.org', () => {
    const vkey = parseVkey(SUM_GOLANG_ORG);
    expect(vkey.name).toBe('sum.golang.org');
    expect(vkey.keyId).toBe(0x033de0ae);
    expect(formatVkey(vkey.name, vkey.publicKey)).toBe(SUM_GOLANG_ORG);
  });

  it.each([
    ['', 'empty'],
    ['name', 'no parts'],
    ['+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8', 'no name'],
    [SUM_GOLANG_ORG.replace('033de0ae', '033de0af'), 'wrong id'],
    [SUM_GOLANG_ORG.replace('033de0ae', '033DE0AE'), 'upper-case id'],
    [SUM_GOLANG_ORG.replace('Ac4', 'Bc4'), 'type 4'],
    [`${SUM_GOLANG_ORG}=`, 'trailing padding'],
    [SUM_GOLANG_ORG.slice(0, -1), 'short'],
    [SUM_GOLANG_ORG.replace('sum.', 'sum '), 'space in the name'],
  ])('refuses %j (%s)', (text) => {
    expect(() => parseVkey(text)).toThrow(expect.objectContaining({ code: 'key_invalid' }));
  });

  it('never throws anything but key_invalid', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string().map((tail) => SUM_GOLANG_ORG.slice(0, 30) + tail),
        ),
        (text) => {
          try {
            parseVkey(text);
          } catch (error) {
            return isAffiantError(error) && error.code === 'key_invalid';
          }
          return true;
        },
      ),
    );
  });

  it('knows a key name', () => {
    expect(isKeyName('affiant.example/ledger')).toBe(true);
    for (const bad of ['', 'a b', 'a+b', 'a\u00a0b', 'a\u2003b', 'a\u0085b', 'a\nb', 'a\u0001', '\ud800'])
      expect(isKeyName(bad)).toBe(false);
  });

  it('verifies, and refuses a changed message, signature or length', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const vkey = formatVkey('a.example', publicKey.export({ type: 'spki', format: 'der' }).subarray(-32));
    const message = Buffer.from('message');
    const signature = sign(null, message, privateKey);
    expect(verifyEd25519(vkey, message, signature)).toBe(true);
    expect(verifyEd25519(`${vkey}\n`, message, signature)).toBe(true);
    expect(verifyEd25519(vkey, Buffer.from('massage'), signature)).toBe(false);
    expect(verifyEd25519(vkey, message, signature.subarray(1))).toBe(false);
    signature[3]! ^= 1;
    expect(verifyEd25519(vkey, message, signature)).toBe(false);
  });
});
