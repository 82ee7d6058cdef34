import { describe, expect, it } from 'vitest';
import { controlLeafType, LEAF_TYPES } from './index.js';

describe('the leaf type of a control event', () => {
  it.each([
    ['ledger.frontier', 'frontier'],
    ['ledger.gap', 'gap'],
    ['ledger.gap_closed', 'gap'],
    ['schema.registered', 'schema'],
    ['key.rotated', 'key'],
    ['erasure.done', 'erasure'],
    ['retention.dropped', 'erasure'],
    ['hold.placed', 'hold'],
    ['epoch.opened', 'epoch'],
    ['exchange.aborted', 'aborted'],
    ['exchange.answered', 'aborted'],
  ])('%s is %s', (kind, type) => expect(controlLeafType(kind)).toBe(type));

  it.each([
    'gateway.started',
    'key.created',
    'ledger.queried',
    'ledger.gaps',
    'hold',
    'xhold.placed',
    '',
    '.',
    '__proto__',
    'constructor.',
  ])('%s has none of its own, as it had before there were any', (kind) => expect(controlLeafType(kind)).toBe('control'));

  it('has the bytes that it always had', () => {
    expect(LEAF_TYPES.map((type, index) => `${index + 1} ${type}`).join()).toBe(
      '1 request,2 segment,3 decision,4 response,5 control,6 dead_letter,7 undecodable,8 frontier,9 gap,10 schema,11 key,12 erasure,13 hold,14 epoch,15 aborted',
    );
  });
});
