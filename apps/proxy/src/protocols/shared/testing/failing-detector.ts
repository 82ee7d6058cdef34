import { createDetector, type Detector } from '#detect';
import { AffiantError } from '#errors';
import { ALL_TYPES } from './policies.js';

/** A detector that breaks on every text. */
export function failingDetector(): Detector {
  return {
    ...createDetector(ALL_TYPES),
    version: 'broken',
    types: ['us_ssn'],
    maxHold: 0,
    scan: () => {
      throw new AffiantError('detector_failed', 'broken');
    },
    safeCut: () => 0,
    open: () => ({
      settled: 0,
      length: 0,
      push: () => {
        throw new Error('broken');
      },
      end: () => [],
    }),
  };
}
