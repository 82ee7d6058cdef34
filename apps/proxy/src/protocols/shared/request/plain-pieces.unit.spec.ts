import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { PlainPieces } from './plain-pieces.js';
import { ScanCache, plainScan } from './scan-cache.js';

const digest = (of: number | string): string => createHash('sha256').update(String(of)).digest('hex');

describe('PlainPieces', () => {
  it('finds a piece under its scope only, and says whether a user speaks in it', () => {
    const pieces = new PlainPieces();
    pieces.add('a', digest(1), true);
    pieces.add('b', digest(2), false);
    expect([pieces.find('a', digest(1)), pieces.find('b', digest(2))]).toEqual([{ hasUser: true }, { hasUser: false }]);
    expect([pieces.find('b', digest(1)), pieces.find('a', digest(2)), pieces.find('c', digest(1)), pieces.find('a', digest(3))]).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  it('tells apart digests that differ in their last bit, or fall on the same place', () => {
    const pieces = new PlainPieces();
    const one = `${'0'.repeat(63)}1`;
    pieces.add('a', one, true);
    for (const other of ['0'.repeat(64), `${'0'.repeat(62)}11`, `8${'0'.repeat(62)}1`]) {
      expect(pieces.find('a', other)).toBeNull();
      pieces.add('a', other, false);
      expect([pieces.find('a', other), pieces.find('a', one)]).toEqual([{ hasUser: false }, { hasUser: true }]);
    }
  });

  it('forgets the oldest when it is full, not what is used', () => {
    const pieces = new PlainPieces();
    pieces.add('a', digest('used'), true);
    for (let i = 0; i < 80_000; i++) {
      pieces.add('a', digest(i), false);
      if (i % 1_000 === 0) expect(pieces.find('a', digest('used'))).toEqual({ hasUser: true });
    }
    // What is found counts as used: the newest first.
    for (let i = 79_999; i >= 56_000; i--) if (pieces.find('a', digest(i)) === null) expect.fail(`${i} is forgotten`);
    for (let i = 0; i < 20_000; i++) if (pieces.find('a', digest(i)) !== null) expect.fail(`${i} is kept`);
  });

  it('never finds a piece under a scope it was not added under, however many scopes there are', () => {
    const pieces = new PlainPieces();
    for (let i = 0; i < 3_000; i++) pieces.add(`scope ${i}`, digest('same'), i % 2 === 0);
    for (let i = 2_900; i < 3_000; i++) expect(pieces.find(`scope ${i}`, digest('same'))).toEqual({ hasUser: i % 2 === 0 });
    expect([pieces.find('scope 3', digest('same')), pieces.find('scope 4000', digest('same'))]).toEqual([null, null]);
  });
});

it('gives back a scan in which nothing was found as it was given', () => {
  const cache = new ScanCache();
  for (const hasUser of [true, false]) {
    const scan = plainScan(digest(String(hasUser)), 9_000, hasUser);
    cache.set('a', digest(String(hasUser)), scan);
    expect(cache.get('a', digest(String(hasUser)), 9_000)).toEqual(scan);
    expect(cache.usedBytes).toBe(0);
  }
  expect(cache.get('b', digest('true'), 9_000)).toBeUndefined();
});
