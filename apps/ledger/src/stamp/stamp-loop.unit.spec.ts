import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AffiantError } from '#errors';
import type { EventDraft } from '#events';
import type { Logger } from '#observability';
import { formatVkey } from '#signing';
import { MemoryStampStore, parseStampPath, stampPath, type TimestampAuthority } from '#timestamp';
import { signCheckpoint } from '#tlog';
import { StampLoop } from './stamp-loop.js';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 25);
const silent = { debug() {}, info() {}, warn() {}, error() {}, fatal() {}, child: () => silent } as unknown as Logger;
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
const signer = {
  name: 'stamp.test/log',
  publicKey: raw,
  vkey: formatVkey('stamp.test/log', raw),
  sign: async (message: Uint8Array) => sign(null, message, privateKey),
};
const noteOf = (size: number): Promise<string> => signCheckpoint({ origin: signer.name, size, root: Buffer.alloc(32, size) }, [signer]);

/** An authority whose stamps are their data: what was stamped can be read back. */
function authority(name: string, validFor = 400 * DAY): TimestampAuthority & { down: boolean; readonly stamped: Buffer[]; now: number } {
  return {
    name,
    down: false,
    now: NOW,
    stamped: [],
    async stamp(data) {
      if (this.down) throw new AffiantError('timestamp_unavailable', 'away');
      this.stamped.push(Buffer.from(data));
      const verified = { genTime: this.now, serial: '01', policy: '1.2.3', hash: 'sha256', authority: `CN=${name}`, chain: [] } as const;
      return {
        response: Buffer.from(`stamp ${this.stamped.length} by ${name}`),
        verified: { ...verified, expiresAt: this.now + validFor },
      };
    },
  };
}

function world(authorities: TimestampAuthority[], options: { readonly stamps?: MemoryStampStore } = {}) {
  const events: EventDraft[] = [];
  const state = { note: null as string | null, nowMs: NOW };
  const stamps = options.stamps ?? new MemoryStampStore();
  const loop = new StampLoop({
    newest: async () => state.note,
    authorities,
    stamps,
    recorder: {
      sourceId: 'ledger',
      bootEpoch: 1,
      record: async (drafts: readonly EventDraft[]) => {
        events.push(...drafts);
        return [];
      },
    } as never,
    clock: { nowMs: () => state.nowMs, nowUs: () => state.nowMs * 1_000 } as never,
    logger: silent,
    options: { interval: 1_000, renewBefore: 30 * DAY },
  });
  const kinds = (): string[] => events.map(({ event }) => `${(event as { kind: string }).kind} ${(event as { subject: string }).subject}`);
  return { loop, state, stamps, events, kinds };
}

describe('the stamp loop', () => {
  it('has the newest checkpoint stamped by each authority, keeps and tells it, and leaves its own echo alone', async () => {
    const [one, two] = [authority('one'), authority('two')];
    const { loop, state, stamps, kinds, events } = world([one, two]);
    expect(await loop.once()).toBe(false);
    state.note = await noteOf(10);
    expect(await loop.once()).toBe(true);
    const places = (await stamps.list()).flatMap((path) => parseStampPath(path) ?? []);
    expect(places.map(({ size, authority: name, number }) => `${size} ${name} ${number}`).sort()).toEqual(['10 one 0', '10 two 0']);
    expect(one.stamped).toEqual([Buffer.from(state.note)]);
    expect((await stamps.get('stamps/10/checkpoint'))?.toString()).toBe(state.note);
    expect(kinds().sort()).toEqual(['timestamp.granted one', 'timestamp.granted two']);
    const facts = Object.fromEntries(
      (events[0]!.event as unknown as { attributes: { name: string; value: string }[] }).attributes.map((a) => [a.name, a.value]),
    );
    expect(facts).toMatchObject({ tree_size: '10', number: '0', note: state.note, time: '2026-11-25T00:00:00.000Z' });
    expect(Buffer.from(facts.response!, 'base64').toString()).toBe('stamp 1 by one');

    state.note = await noteOf(13);
    expect(await loop.once()).toBe(false);
    expect(one.stamped).toHaveLength(1);
    state.note = await noteOf(14);
    expect(await loop.once()).toBe(true);
    expect(one.stamped).toHaveLength(2);
    const known = { lastUs: NOW * 1_000, failing: null, size: 14, expiresUs: (NOW + 400 * DAY) * 1_000 };
    const authorities = ['one', 'two'].map((name) => ({ name, ...known }));
    expect(loop.health()).toEqual({ intervalMs: 1_000, renewBeforeMs: 30 * DAY, authorities });
  });

  it('goes on without an authority that is away, says so once, and catches up', async () => {
    const [one, two] = [authority('one'), authority('two')];
    one.down = true;
    const { loop, state, kinds } = world([one, two]);
    for (const size of [10, 20]) {
      state.note = await noteOf(size);
      expect(await loop.once()).toBe(false);
    }
    expect(kinds()).toEqual(expect.arrayContaining(['timestamp.failed one', 'timestamp.granted two', 'timestamp.granted two']));
    expect(kinds()).toHaveLength(3);
    expect(loop.health().authorities[0]).toEqual({ name: 'one', lastUs: null, failing: 'away', size: 0, expiresUs: null });
    one.down = false;
    await loop.once();
    expect(one.stamped).toEqual([Buffer.from(state.note!)]);
    one.down = true;
    state.note = await noteOf(30);
    await loop.once();
    expect(kinds().filter((kind) => kind === 'timestamp.failed one')).toHaveLength(2);
  });

  it('stamps checkpoint and old stamp anew before its certificate ends, and after a restart knows the newest', async () => {
    const one = authority('one', 100 * DAY);
    const stamps = new MemoryStampStore();
    const first = world([one], { stamps });
    first.state.note = await noteOf(10);
    await first.loop.once();
    const old = await stamps.get(stampPath({ size: 10, authority: 'one', number: 0, expiresAt: NOW + 100 * DAY }));

    const second = world([one], { stamps });
    second.state.note = first.state.note;
    second.state.nowMs = NOW + 69 * DAY;
    await second.loop.once();
    expect(one.stamped).toHaveLength(1);
    one.now = second.state.nowMs = NOW + 71 * DAY;
    await second.loop.once();
    await second.loop.once();
    expect(one.stamped).toHaveLength(2);
    expect(one.stamped[1]).toEqual(Buffer.concat([Buffer.from(first.state.note), old!]));
    expect(await stamps.get(stampPath({ size: 10, authority: 'one', number: 1, expiresAt: NOW + 171 * DAY }))).not.toBeNull();
    expect(second.kinds()).toEqual(['timestamp.granted one']);
    expect(second.loop.health().authorities).toMatchObject([{ size: 10, expiresUs: (NOW + 171 * DAY) * 1_000 }]);

    const third = world([one], { stamps });
    third.state.note = first.state.note;
    third.state.nowMs = NOW + 72 * DAY;
    await third.loop.once();
    expect(one.stamped).toHaveLength(2);
  });

  it('stamps the note that is kept of a size, whatever it is shown later', async () => {
    const one = authority('one');
    const stamps = new MemoryStampStore();
    const kept = await noteOf(10);
    await stamps.put('stamps/10/checkpoint', Buffer.from(kept));
    const { loop, state } = world([one], { stamps });
    state.note = `${kept}\u2014 witness.test/w AAAAAAAA\n`;
    await loop.once();
    expect(one.stamped).toEqual([Buffer.from(kept)]);
  });
});
