import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SYSTEM_CONTEXT, type Segment } from '#events';
import { INLINE_LIMIT, recordBody, type RecordedBody } from './body.js';
import { SessionSegments } from './session-segments.js';

const piece = (bytes: Buffer): { sha256: Buffer; bytes: Buffer } => ({ sha256: createHash('sha256').update(bytes).digest(), bytes });

function record(bodies: Buffer[], known: SessionSegments, scope: string | null = 's'): Promise<RecordedBody> {
  const length = bodies.reduce((sum, { length: one }) => sum + one, 0);
  return recordBody(
    {
      direction: 'request',
      mediaType: 'application/json',
      pieces: bodies.map(piece),
      originalDigest: null,
      originalLength: length,
      complete: true,
      masks: [],
    },
    SYSTEM_CONTEXT,
    scope,
    known,
  );
}

/** What the ledger does: content by digest, from this record and the ones before. */
class Store {
  readonly content = new Map<string, Buffer>();

  resolve({ body, ahead }: RecordedBody): Buffer {
    const carried: Segment[] = ahead.flatMap((draft) => (draft.type === 'segment' ? [...draft.event.segments] : []));
    for (const { sha256, inline } of [...carried, ...body.segments]) {
      if (inline === null) continue;
      expect(createHash('sha256').update(inline).digest().equals(sha256)).toBe(true);
      this.content.set(sha256.toString('hex'), inline);
    }
    return Buffer.concat(body.segments.map(({ sha256 }) => this.content.get(sha256.toString('hex')) ?? Buffer.from('MISSING')));
  }
}

describe('recordBody', () => {
  it('gives back every body of a session, whatever was sent before', async () => {
    const size = fc.oneof({ weight: 6, arbitrary: fc.nat(2_000) }, { weight: 1, arbitrary: fc.nat(INLINE_LIMIT * 3) });
    const turns = fc.array(fc.array(fc.tuple(fc.nat(5), size), { maxLength: 6 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(turns, async (conversation) => {
        const known = new SessionSegments();
        const store = new Store();
        for (const turn of conversation) {
          const bodies = turn.map(([fill, length]) => Buffer.alloc(length, 97 + fill));
          const recorded = await record(bodies, known);
          expect(store.resolve(recorded).equals(Buffer.concat(bodies))).toBe(true);
          recorded.durable();
        }
      }),
      { numRuns: 40 },
    );
  });

  it('carries at most 256 KB inline in any event', async () => {
    const { body, ahead } = await record(
      [Buffer.alloc(INLINE_LIMIT, 1), Buffer.alloc(INLINE_LIMIT * 2 + 5, 2), Buffer.alloc(9, 3)],
      new SessionSegments(),
    );
    expect(body.segments.every(({ inline }) => inline === null)).toBe(true);
    const sizes = ahead.map((draft) =>
      draft.type === 'segment' ? draft.event.segments.reduce((sum, { inline }) => sum + (inline?.length ?? 0), 0) : 0,
    );
    expect(Math.max(...sizes)).toBeLessThanOrEqual(INLINE_LIMIT);
    expect(sizes.reduce((sum, one) => sum + one, 0)).toBe(INLINE_LIMIT * 3 + 14);
  });

  it('cites nothing that never became durable, and nothing without a session', async () => {
    const known = new SessionSegments();
    await record([Buffer.from('a')], known);
    expect((await record([Buffer.from('a')], known)).body.segments[0]?.inline).not.toBeNull();
    (await record([Buffer.from('b')], known, null)).durable();
    expect((await record([Buffer.from('b')], known, null)).body.segments[0]?.inline).not.toBeNull();
  });

  it('forgets the least recently used session first', () => {
    const known = new SessionSegments();
    const reference = new Map([['k', []]]);
    for (let at = 0; at < 2_001; at += 1) known.remember(`s${at === 2_000 ? 'new' : at}`, reference);
    expect(known.find('s0', 'k')).toBeUndefined();
    expect(known.find('s1', 'k')).toBeDefined();
  });
});
