import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bundlePath, isTilePath, joinBundle, splitBundle, tilePath, tileWidth } from './index.js';

describe('tile paths', () => {
  it('are those of the specification', () => {
    expect(tilePath(0, 1_234_067)).toBe('tile/0/x001/x234/067');
    expect(tilePath(1, 0, 3)).toBe('tile/1/000.p/3');
    expect(bundlePath(273, 112)).toBe('tile/entries/273.p/112');
    expect(bundlePath(1000)).toBe('tile/entries/x001/000');
    expect([tileWidth(0, 273, 70_000), tileWidth(1, 1, 70_000), tileWidth(2, 0, 70_000), tileWidth(0, 274, 70_000)]).toEqual([
      112, 17, 1, 0,
    ]);
  });

  it('are recognised, and nothing else is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 63 }), fc.maxSafeNat(), fc.integer({ min: 1, max: 256 }), (level, index, width) => {
        expect(isTilePath(tilePath(level, index, width))).toBe(true);
        expect(isTilePath(bundlePath(index, width))).toBe(true);
      }),
    );
    for (const bad of [
      '',
      'checkpoint',
      'tile/64/000',
      'tile/00/000',
      'tile/0/0',
      'tile/0/000.p/0',
      'tile/0/000.p/256',
      'tile/0/000.p/01',
      'tile/0/x000/001',
      'tile/0/../000',
      '/tile/0/000',
      'tile/0/000/',
      'tile/0/000\n',
      'tile/data/000',
    ]) {
      expect(isTilePath(bad), bad).toBe(false);
    }
  });

  it('bundles come apart as they were put together, and only so', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), fc.nat(), (entries, at) => {
        const bundle = joinBundle(entries);
        expect(splitBundle(bundle, entries.length)).toEqual(entries.map((entry) => Buffer.from(entry)));
        expect(splitBundle(bundle, entries.length + 1)).toBeNull();
        if (bundle.length > 0) expect(splitBundle(bundle.subarray(0, at % bundle.length), entries.length)).toBeNull();
        expect(splitBundle(Buffer.concat([bundle, Buffer.of(0)]), entries.length)).toBeNull();
      }),
    );
  });
});
