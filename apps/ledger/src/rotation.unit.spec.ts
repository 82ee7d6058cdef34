import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatVkey, type LogKeys, type Signer } from '#signing';
import { openNote, parseNote } from '#tlog';
import { recordKeys } from './keys/record-keys.js';
import { World } from './testing/world.js';
import type { FaultPlan } from './testing/faults.js';

const WRITES = /^(checkpoints\.replace|tiles\.(put|publish|prune)|store\.append|recorder\.record|log\.commit)/;
const SMALL = { maxBatchRecords: 4, maxRoundLeaves: 6 };

function newSigner(name: string): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  return { name, publicKey: raw, vkey: formatVkey(name, raw), sign: async (message) => sign(null, message, privateKey) };
}

class Rotating {
  readonly world = new World();
  readonly old = this.world.signer;
  readonly next = newSigner(this.old.name);
  readonly both = [this.old.vkey, this.next.vkey];

  async run(signers: readonly Signer[], vkeys: readonly string[], plan?: FaultPlan): Promise<string | null> {
    this.world.keys = { signers, vkeys };
    await this.world.events(5);
    return (await this.world.runUntilQuiet(plan, SMALL)).halted;
  }

  async note(): Promise<string> {
    return (await this.world.checkpoints.fetch())!.note;
  }
}

describe('rotation of the key of the log', () => {
  it('goes from the old key over both to the new one, and no verifier of either is left without a signature', async () => {
    const { old, next, both, ...rotating } = new Rotating();
    const under = Object.assign(Object.create(Rotating.prototype) as Rotating, { old, next, both, ...rotating });
    expect(await under.run([old], [old.vkey])).toBeNull();
    const first = await under.note();
    expect(await under.run([old, next], both)).toBeNull();
    const overlap = await under.note();
    for (const vkey of both) expect(openNote(overlap, [vkey]).signers).toHaveLength(1);
    expect(openNote(overlap, both).signers.map(({ keyId }) => keyId)).toHaveLength(2);
    expect(await under.run([next], both)).toBeNull();
    const last = await under.note();
    expect(parseNote(last).signatures).toHaveLength(1);
    expect(openNote(last, [next.vkey]).signers).toHaveLength(1);
    expect(() => openNote(last, [old.vkey])).toThrow(expect.objectContaining({ code: 'note_invalid' }));
    expect(() => openNote(first, [next.vkey])).toThrow(expect.objectContaining({ code: 'note_invalid' }));
  });

  it('also when no checkpoint was sealed while both signed, as after a loss', async () => {
    const under = new Rotating();
    await under.run([under.old], [under.old.vkey]);
    expect(await under.run([under.next], under.both)).toBeNull();
    expect(openNote(await under.note(), [under.next.vkey]).signers).toHaveLength(1);
  });

  it('halts on a sealed checkpoint by a key that the ring does not know', async () => {
    const under = new Rotating();
    await under.run([under.old], [under.old.vkey]);
    expect(await under.run([under.next], [under.next.vkey])).toMatch(/not signed by a key of this log/);
  });

  it('loses nothing when the process dies at any step of the first round under both keys', async () => {
    let reached = true;
    for (let step = 0; reached && step < 80; step += 1) {
      const under = new Rotating();
      await under.run([under.old], [under.old.vkey]);
      let seen = 0;
      reached = false;
      await under.run([under.old, under.next], under.both, (method) => {
        if (!WRITES.test(method)) return undefined;
        seen += 1;
        if (seen - 1 !== step) return undefined;
        reached = true;
        return 'killed-applied';
      });
      expect(await under.run([under.old, under.next], under.both)).toBeNull();
      expect(await under.world.faults(), `died after step ${step}`).toEqual([]);
      expect(openNote(await under.note(), under.both).signers).toHaveLength(2);
    }
    expect(reached).toBe(false);
  });
});

describe('what the ring says is recorded', () => {
  const at = '2026-11-25T00:00:00.000Z';
  const ringOf = (old: Signer, next: Signer, state: 'active' | 'retired'): Pick<LogKeys, 'ring'> => ({
    ring: {
      keys: [
        { vkey: old.vkey, file: 'ledger', state, since: at, until: state === 'active' ? null : at, overlap_until: null },
        { vkey: next.vkey, file: 'ledger-2', state: 'active', since: at, until: null, overlap_until: null },
      ],
    },
  });

  it('once for each key that was added and each that ended', async () => {
    const { world, old, next } = new Rotating();
    const told: { kind: string; subject: string }[] = [];
    const store = { query: async <T>() => told as T[] };
    const kinds = () => world.ownEvents().map(({ kind }) => kind);
    const record = async (state: 'active' | 'retired') => {
      await recordKeys({ keys: ringOf(old, next, state), store, recorder: world.ledger });
      told.push(...(world.ownEvents().slice(told.length) as typeof told));
    };
    await recordKeys({ keys: { ring: null }, store, recorder: world.ledger });
    expect(kinds()).toEqual([]);
    await record('active');
    await record('active');
    expect(kinds()).toEqual(['key.rotated']);
    await record('retired');
    await record('retired');
    expect(kinds()).toEqual(['key.rotated', 'key.retired']);
    expect(world.ownEvents()[1]).toMatchObject({ subject: old.vkey.split('+').slice(0, 2).join('+'), outcome: 'success' });
  });
});
