import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openSealed, SEAL_BYTES, SealingKey } from '#content-keys';
import { SYSTEM_CONTEXT, type Segment } from '#events';
import { createLogger } from '#observability';
import type { BodyPiece } from '../protocols/protocol.js';
import { INLINE_LIMIT, recordBody, type RecordedBody } from './body.js';
import { keyScopeOf, SessionKeys } from './session-keys.js';
import { SessionSegments } from './session-segments.js';

const piece = (bytes: Buffer, joins = false): BodyPiece => ({ sha256: createHash('sha256').update(bytes).digest(), bytes, joins });

const KEY = Buffer.alloc(32, 5);
const SCOPE = keyScopeOf(SYSTEM_CONTEXT);

/** Keys k1, k2, … that all seal with the same bytes, and what is said to be destroyed of them. */
class Keys {
  destroyed: { id: string; erasure: string; at: number }[] = [];
  readonly of: SessionKeys;
  #issued = 0;

  constructor(known: SessionSegments) {
    const take = (): SealingKey => new SealingKey(`k${(this.#issued += 1)}`, KEY);
    this.of = new SessionKeys({ take }, { destroyedSince: async () => this.destroyed }, known, 0);
  }
}

function record(
  bodies: (Buffer | BodyPiece)[],
  known: SessionSegments,
  scope: string | null = SCOPE,
  keys = new Keys(known),
): Promise<RecordedBody> {
  const pieces = bodies.map((one) => (Buffer.isBuffer(one) ? piece(one) : one));
  const length = pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);
  return recordBody(
    {
      direction: 'request',
      mediaType: 'application/json',
      pieces,
      originalDigest: null,
      originalLength: length,
      complete: true,
      masks: [],
    },
    SYSTEM_CONTEXT,
    scope,
    known,
    keys.of,
  );
}

/** What the ledger does: content by digest, from this record and the ones before. */
class Store {
  readonly content = new Map<string, Buffer>();

  resolve({ body, ahead }: RecordedBody): Buffer {
    const take = (segments: readonly Segment[], key: string | null): void => {
      for (const { sha256, inline, bytes_length } of segments) {
        if (inline === null) continue;
        expect(createHash('sha256').update(inline).digest().equals(sha256)).toBe(true);
        const content = openSealed(key ?? '', KEY, inline);
        expect(content.length).toBe(bytes_length);
        this.content.set(sha256.toString('hex'), content);
      }
    };
    for (const draft of ahead) if (draft.type === 'segment') take(draft.event.segments, draft.event.content_key);
    take(body.segments, body.content_key);
    return Buffer.concat(body.segments.map(({ sha256 }) => this.content.get(sha256.toString('hex')) ?? Buffer.from('MISSING')));
  }
}

describe('recordBody', () => {
  it('gives back every body of a session, whatever was sent before', async () => {
    const size = fc.oneof({ weight: 6, arbitrary: fc.nat(2_000) }, { weight: 1, arbitrary: fc.nat(INLINE_LIMIT * 3) });
    const turns = fc.array(fc.array(fc.tuple(fc.nat(5), size, fc.boolean()), { maxLength: 6 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(turns, async (conversation) => {
        const known = new SessionSegments();
        const store = new Store();
        const keys = new Keys(known);
        for (const turn of conversation) {
          const bodies = turn.map(([fill, length, joins]) => piece(Buffer.alloc(length, 97 + fill), joins));
          const recorded = await record(bodies, known, SCOPE, keys);
          expect(store.resolve(recorded).equals(Buffer.concat(bodies.map(({ bytes }) => bytes)))).toBe(true);
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
    expect(sizes.reduce((sum, one) => sum + one, 0)).toBe(
      INLINE_LIMIT * 3 + 14 + SEAL_BYTES * ahead.flatMap((draft) => (draft.type === 'segment' ? draft.event.segments : [])).length,
    );
    expect(body.content_key).toBeNull();
    expect(ahead.every((draft) => draft.type === 'segment' && draft.event.content_key === 'k1')).toBe(true);
  });

  it('stores together what comes together, cites it where all of it comes again, and stores it anew where not', async () => {
    const known = new SessionSegments();
    const store = new Store();
    const keys = new Keys(known);
    const whole = Buffer.from('one two three four last ');
    const [one, two, three, four, last] = ['one ', 'two ', 'three ', 'four ', 'last '].map((text, index) => {
      const at = whole.indexOf(text);
      return piece(whole.subarray(at, at + text.length), index > 0 && index < 4);
    }) as [BodyPiece, BodyPiece, BodyPiece, BodyPiece, BodyPiece];
    const say = async (...pieces: BodyPiece[]): Promise<[length: number, isNew: boolean][]> => {
      const recorded = await record(pieces, known, SCOPE, keys);
      expect(store.resolve(recorded).toString()).toBe(pieces.map(({ bytes }) => bytes.toString()).join(''));
      recorded.durable();
      return recorded.body.segments.map(({ bytes_length, inline }) => [bytes_length, inline !== null]);
    };
    expect(await say(one, two, three, last)).toEqual([
      [14, true],
      [5, true],
    ]);
    const changed = { ...piece(Buffer.from('LAST ')), joins: true };
    expect(await say(one, two, three, changed, four, last)).toEqual([
      [14, false],
      [10, true],
      [5, false],
    ]);
    // Its middle is known by nobody alone.
    expect(await say(one, two, last)).toEqual([
      [8, true],
      [5, false],
    ]);
    expect(await say(two, three, one, two)).toEqual([
      [10, true],
      [8, false],
    ]);
    const large = Array.from({ length: 10 }, (_, index) => piece(Buffer.alloc(20_000, index), true));
    expect(await say(...large)).toEqual([
      [60_000, true],
      [60_000, true],
      [60_000, true],
      [20_000, true],
    ]);
  });

  it('cites nothing that never became durable, and nothing without a session', async () => {
    const known = new SessionSegments();
    const keys = new Keys(known);
    await record([Buffer.from('a')], known, SCOPE, keys);
    expect((await record([Buffer.from('a')], known, SCOPE, keys)).body.segments[0]?.inline).not.toBeNull();
    (await record([Buffer.from('b')], known, null)).durable();
    expect((await record([Buffer.from('b')], known, null)).body.segments[0]?.inline).not.toBeNull();
  });

  it('records no digest of the content, and the same content twice as something else', async () => {
    const known = new SessionSegments();
    const keys = new Keys(known);
    const [one, two] = [await record([Buffer.from('yes')], known, null, keys), await record([Buffer.from('yes')], known, null, keys)];
    const plain = createHash('sha256').update('yes').digest();
    for (const { body } of [one, two]) expect(body.segments[0]?.sha256.equals(plain)).toBe(false);
    expect(one.body.segments[0]?.sha256.equals(two.body.segments[0]!.sha256)).toBe(false);
  });

  it('goes on under another key when one is destroyed, and cites nothing of before', async () => {
    const known = new SessionSegments();
    const keys = new Keys(known);
    const first = await record([Buffer.from('a')], known, SCOPE, keys);
    first.durable();
    expect((await record([Buffer.from('a')], known, SCOPE, keys)).body).toMatchObject({ content_key: null, segments: [{ inline: null }] });
    const late = await record([Buffer.from('late')], known, SCOPE, keys);
    keys.destroyed = [{ id: 'k1', erasure: 'e', at: 1 }];
    await keys.of.followErasures(createLogger('test', { level: 'silent' }));
    // Sealed under the key that is gone: durable, and never to be cited.
    late.durable();
    const again = await record([Buffer.from('a'), Buffer.from('late')], known, SCOPE, keys);
    expect(again.body.content_key).toBe('k2');
    expect(again.body.segments.every(({ inline }) => inline !== null)).toBe(true);
  });

  it('forgets the least recently used session first', () => {
    const known = new SessionSegments();
    const reference = new Map([['k', { references: [], rest: [] }]]);
    for (let at = 0; at < 2_001; at += 1) known.remember(`s${at === 2_000 ? 'new' : at}`, reference);
    expect(known.find('s0', 'k')).toBeUndefined();
    expect(known.find('s1', 'k')).toBeDefined();
  });
});
